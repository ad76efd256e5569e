"""Requests to create or change a job."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from freight.connectors import registry
from freight.connectors.spec import Configuration, TargetConfiguration
from freight.domain.errors import InvalidRequest
from freight.domain.jobs.retry import RetryPolicy
from freight.model.crm import LOAD_ORDER, Entity
from freight.model.mapping import Mapping

C = TypeVar("C", bound=Configuration)

OnExisting = Literal["fill", "overwrite", "skip"]
Mode = Literal["full", "dry_run", "sample"]

NO_NUL = r"^[^\x00]*$"
"""The only character that PostgreSQL's `text` cannot hold."""

MAX_FIELDS = 1000
"""Fields of companies, of people or of one list that a mapping may contain."""

MAX_LISTS = 1000
"""Lists that a mapping may contain."""

MAX_MAPPED = 3000
"""Fields that a mapping may contain in all. A firm has hundreds."""

MAX_ID = 200
"""Characters of the id of a field or list."""

Label = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
Labels = Annotated[dict[Label, Label], Meta(max_length=50, description="Your own key-value pairs.")]
Name = Annotated[str, Meta(max_length=200, pattern=NO_NUL, description="Your own name.")]
BatchSize = Annotated[int, Meta(ge=100, le=10_000, description="Records that are loaded as one batch.")]
SampleSize = Annotated[
    int, Meta(ge=1, le=1000, description="How many records of each entity a job with the mode `sample` migrates.")
]
JobMode = Annotated[
    Mode,
    Meta(
        description="`full` migrates everything; `dry_run` writes nothing and reports what `full` would do; `sample` "
        "migrates some records of each entity with everything that they refer to."
    ),
]
FieldMap = Annotated[
    Mapping,
    Meta(
        description="Where fields and lists go; the default mapping applies to whatever it does not contain. "
        f"It contains at most {MAX_FIELDS:,} fields of companies, people or a list, {MAX_LISTS:,} lists, and "
        f"{MAX_MAPPED:,} fields in all."
    ),
]
Entities = Annotated[list[Entity], Meta(description="The entities to migrate; null for all.")]
Existing = Annotated[
    OnExisting,
    Meta(
        description="What happens to a record that exists in the target: `fill` writes only attributes that are empty "
        "there or whose values no person chose, and adds to multi-values; `overwrite` writes everything that differs, "
        "also what people have changed in the target; `skip` leaves the record as it is."
    ),
]


def configuration(name: str, description: str, base: type[C], systems: Iterable[type[C]]) -> type[C]:
    """Return the request structure for one side of a job.

    It is the configuration of the connector, or the common part of the configurations if there are several.
    """
    distinct = list(dict.fromkeys(systems))
    kind = msgspec.defstruct(
        name,
        [],
        bases=(distinct[0] if len(distinct) == 1 else base,),
        namespace={"__doc__": description},
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    return cast("type[C]", kind)


if TYPE_CHECKING:
    # Type checkers cannot know types that are built from the registry.
    SourceSystem = str
    TargetSystem = str
    SourceConfig = Configuration
    TargetConfig = TargetConfiguration
else:
    SourceSystem = Literal[tuple(registry.SOURCES)]
    TargetSystem = Literal[tuple(registry.TARGETS)]
    SourceConfig = configuration(
        "SourceConfig",
        "The workspace to read.",
        Configuration,
        (registry.source_role(system).configuration for system in registry.SOURCES),
    )
    TargetConfig = configuration(
        "TargetConfig",
        "The workspace to write.",
        TargetConfiguration,
        (registry.target_role(system).configuration for system in registry.TARGETS),
    )


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to create a job."""

    source_system: SourceSystem
    target_system: TargetSystem
    source_config: SourceConfig
    target_config: TargetConfig
    batch_size: BatchSize = 1000
    retry_policy: RetryPolicy = RetryPolicy()
    mode: JobMode = "full"
    sample_size: SampleSize | None = None
    entities: Entities | None = None
    mapping: FieldMap | None = None
    on_existing: Existing = "fill"
    name: Name | None = None
    labels: Labels = {}


class JobChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to change a job; omitted fields stay as they are."""

    name: Name | UnsetType | None = UNSET
    labels: Annotated[Labels | UnsetType, Meta(description="Replaces all of them.")] = UNSET
    batch_size: BatchSize | UnsetType = UNSET
    retry_policy: RetryPolicy | UnsetType = UNSET
    on_existing: Existing | UnsetType = UNSET
    entities: Entities | UnsetType | None = UNSET
    mapping: FieldMap | UnsetType | None = UNSET


def in_load_order(entities: list[Entity] | None) -> list[Entity]:
    """Return the entities of a request in load order; all of them for None."""
    return [entity for entity in LOAD_ORDER if entities is None or entity in entities]


def check_size(mapping: Mapping | UnsetType | None) -> None:
    """Raise `InvalidRequest` for a mapping that contains more than any workspace has.

    Every request that reads the job decodes its mapping, so its size costs time. Older jobs may have a larger one.
    """
    if not isinstance(mapping, Mapping):
        return
    owners = {
        "mapping.companies": mapping.companies,
        "mapping.people": mapping.people,
        **{f"mapping.lists.{list_id}.fields": given.fields for list_id, given in mapping.lists.items()},
    }
    roles = [role for given in mapping.lists.values() for role in (given.stage, given.owner, given.value) if role]
    for place, ids, most in (
        ("mapping.lists", mapping.lists, MAX_LISTS),
        ("mapping.lists", roles, 3 * MAX_LISTS),
        ("mapping.only_lists", mapping.only_lists or [], MAX_LISTS),
        *((place, fields, MAX_FIELDS) for place, fields in owners.items()),
    ):
        if len(ids) > most:
            raise InvalidRequest(f"A mapping contains at most {most:,} of these, not {len(ids):,}.", field=place)
        if any(len(id_) > MAX_ID for id_ in ids):
            raise InvalidRequest(f"An id has at most {MAX_ID} characters.", field=place)
    if (mapped := sum(map(len, owners.values()))) > MAX_MAPPED:
        raise InvalidRequest(
            f"A mapping contains at most {MAX_MAPPED:,} fields in all, not {mapped:,}.", field="mapping"
        )

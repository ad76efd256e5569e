"""The specification of the in-memory vendor."""

from freight.connectors.codes import coded
from freight.connectors.planning.target import Capabilities
from freight.connectors.spec import (
    Configuration,
    ConnectorSpec,
    NotMigrated,
    Rate,
    SourceRole,
    TargetConfiguration,
    TargetRole,
)

CAPABILITIES = Capabilities(
    label="Memory",
    possible={
        "text": ("text",),
        "number": ("number", "text"),
        "date": ("date", "text"),
        "location": ("text",),
        "select": ("select", "text"),
        "status": ("select", "text"),
        "person": ("people", "text"),
        "company": ("companies", "text"),
    },
    multiple=frozenset({"select", "people", "companies"}),
    options_per_second=1000,
)

SPEC = ConnectorSpec(
    system="memory",
    label="Memory",
    # Freight checks that an address is public before it opens a connector; nothing is ever sent to this one.
    base_url="https://1.1.1.1",
    hosts=frozenset({"1.1.1.1"}),
    rates={"query": Rate(requests=10_000), "change": Rate(requests=10_000, is_read=False)},
    codes={
        **coded("refused", "choice_unknown"),
        **coded("members", "colleague_left_out"),
        **coded("references", "link_left_out"),
        **coded("not_writable", "not_kept_in_memory"),
    },
    source=SourceRole(
        configuration=Configuration,
        deal="bargain",
        task="errand",
        not_migrated={"scratchpads": NotMigrated(message="Scratchpads stay in the source.", is_read=False)},
    ),
    target=TargetRole(
        configuration=TargetConfiguration,
        unique={"people": "emails"},
        capabilities=CAPABILITIES,
        records_per_query=100,
    ),
)

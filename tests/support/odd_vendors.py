"""Connectors of which a test replaces the reader or the writer."""

from freight.connectors.affinity.source import AffinityReader, AffinitySource
from freight.connectors.attio.target import AttioTarget, AttioWriter
from freight.model.mapping import Mapping
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema


def source_read_by(reader: type[AffinityReader]) -> type[AffinitySource]:
    """Return an Affinity that is read by such a reader."""

    class OddSource(AffinitySource):
        def reader(self, schema: Schema, mapping: Mapping) -> AffinityReader:
            return reader(self._client, schema, mapping)

    return OddSource


def target_written_by(writer: type[AttioWriter]) -> type[AttioTarget]:
    """Return an Attio that is written to by such a writer."""

    class OddTarget(AttioTarget):
        def writer(self, layout: ResolvedMapping) -> AttioWriter:
            return writer(self._client, self._definitions, layout)

    return OddTarget

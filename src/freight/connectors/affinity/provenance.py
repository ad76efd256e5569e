"""What Affinity and its records are called. Freight recognises its own work in a target by these words."""

from freight.model.provenance import Provenance

PROVENANCE = Provenance(system="affinity", label="Affinity", deal="opportunity", task="reminder")

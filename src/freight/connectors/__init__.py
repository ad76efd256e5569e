"""The vendors: one package each, behind the protocols `Source` and `Target`."""

"""What the protocols of the connectors decide themselves."""

from freight.connectors.protocols import is_planned, planned_id


def test_a_planned_id_is_known_as_one_and_differs_for_each_record() -> None:
    ids = {planned_id(("companies", "1")), planned_id(("companies", "2")), planned_id(("people", "1"))}
    assert len(ids) == 3
    assert all(map(is_planned, ids))


def test_an_id_of_the_target_is_no_planned_one() -> None:
    assert not is_planned("b1f8c3a2-0000-4000-8000-000000000008")

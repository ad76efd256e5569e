import pytest

from support.connector_parts import RecordingPacer


@pytest.fixture
def pacer() -> RecordingPacer:
    return RecordingPacer()

"""What step `perturb` knows of other places."""

from protomtl import params
from protomtl.steps.perturb import other_places
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")


def test_of_data_from_elsewhere_no_other_place_is_known() -> None:
    """Neither of a user's files nor of the hub's: `data.elsewhere` is for another source."""
    for source in ("folder", "hub"):
        data = PARAMS.data.model_copy(update={"source": source})
        found, told = other_places(PARAMS.perturb, data, PARAMS.tasks, {})
        assert not found and told["sst"] == ["shift: no other place is known of these data"]

from tests.unit.operator.resource_samples import a_record, acks_of, an_ack

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import DetectorConfigSpec, Model
from cardwatch_operator.models import is_refused

HASH = "0a" * 32
RECORD = a_record(spec=DetectorConfigSpec(model=Model(name="habits")))


def test_what_everybody_who_lacks_the_model_refused_is_not_asked_again() -> None:
    assert is_refused(acks_of(an_ack(0, model=HASH), an_ack(1, refused="broken")), RECORD)


def test_who_is_silent_is_asked_again_whatever_others_say() -> None:
    assert not is_refused(acks_of(an_ack(0, refused="broken")), RECORD)
    assert not is_refused(Acknowledgements(), RECORD)


def test_what_is_applied_is_not_refused() -> None:
    assert not is_refused(acks_of(an_ack(0, model=HASH), an_ack(1, model=HASH)), RECORD)


def test_a_model_that_was_passed_over_without_a_word_is_asked_for_again() -> None:
    assert not is_refused(acks_of(an_ack(0, refused="broken"), an_ack(1)), RECORD)

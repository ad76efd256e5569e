"""Telephone numbers in the form of Attio, and issues of the rest of the text."""

from collections.abc import Iterable

from freight.connectors.attio.countries import country_code
from freight.connectors.attio.drafting.builder import DraftBuilder, shown
from freight.connectors.attio.phones import PhoneNumber, read_phone_numbers

FIELD = "phone_numbers"


def phone_numbers(texts: Iterable[str], country: str | None, builder: DraftBuilder) -> list[str]:
    """Return the numbers in the texts; `country` is that of the record, by name or code."""
    code = country_code(country) if country else None
    found: dict[str, None] = {}
    for text in texts:
        reading = read_phone_numbers(text, code)
        if reading.reason is not None:
            _report_invalid(text, reading.reason, builder)
        for phone in reading.numbers:
            found[phone.number] = None
            _report_what_was_done(text, phone, builder)
        if reading.remark is not None:
            _report_remark(text, reading.remark, builder)
    return list(found)


def _report_invalid(text: str, reason: str, builder: DraftBuilder) -> None:
    builder.add_issue(
        "invalid_phone_number",
        f"Attio does not accept {shown(text)} as a telephone number ({reason}): it was left out. Correct it in the "
        f"source and run the job again, or enter it in Attio.",
        field=FIELD,
        value=text,
    )


def _report_what_was_done(text: str, phone: PhoneNumber, builder: DraftBuilder) -> None:
    if phone.extension is not None:
        builder.add_issue(
            "phone_extension_dropped",
            f"Attio has no place for the extension {phone.extension} of {shown(text)}: the number was written as "
            f"{phone.number}. Note the extension elsewhere in Attio if you need it.",
            field=FIELD,
            value=text,
        )
    if phone.assumed_country is not None:
        builder.add_issue(
            "phone_country_assumed",
            f"{shown(text)} has no country code: it was read as a number of {phone.assumed_country}, the country of "
            f"the record, and written as {phone.number}. Correct it in Attio if it belongs to another country.",
            field=FIELD,
            value=text,
            info=True,
        )
    if phone.rewritten:
        builder.add_issue(
            "phone_rewritten",
            f"{shown(text)} has letters for digits, or other digits when it is dialled from abroad: it was written as "
            f"{phone.number}.",
            field=FIELD,
            value=text,
            info=True,
        )


def _report_remark(text: str, remark: str, builder: DraftBuilder) -> None:
    builder.add_issue(
        "remark_left_out",
        f"Attio has no place for text next to a telephone number: of {shown(text)}, {shown(remark)} was left "
        "out. Note it elsewhere in Attio if you need it.",
        field=FIELD,
        value=remark,
        info=not any(character.isdigit() for character in remark),
    )

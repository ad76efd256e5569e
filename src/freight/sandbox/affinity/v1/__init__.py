"""The operations of Affinity's API v1."""

from litestar.types import ControllerRouterHandler

from freight.sandbox.affinity.v1 import account, activity, fields, lists, records

HANDLERS: list[ControllerRouterHandler] = [
    account.who_am_i_v1,
    account.rate_limit_v1,
    records.list_persons,
    records.get_person,
    records.list_organizations,
    records.get_organization,
    records.list_opportunities,
    records.get_opportunity,
    records.list_strengths,
    fields.list_fields,
    fields.list_record_fields,
    fields.list_values,
    lists.list_lists,
    lists.get_list,
    lists.list_entries,
    activity.list_notes,
    activity.get_note,
    activity.list_reminders,
    activity.list_files,
    activity.get_file,
    activity.download_file,
]

"""The operations of Affinity's API v2."""

from litestar.types import ControllerRouterHandler

from freight.sandbox.affinity.v2 import account, activity, fields, lists, notes, records

HANDLERS: list[ControllerRouterHandler] = [
    account.who_am_i,
    account.rate_limit,
    account.list_users,
    account.get_user,
    records.list_records,
    records.get_record,
    records.search_records,
    records.list_record_entries,
    records.list_record_lists,
    records.list_opportunities,
    records.get_opportunity,
    fields.list_fields,
    fields.list_list_fields,
    fields.list_options,
    fields.list_list_options,
    lists.list_lists,
    lists.get_list,
    lists.list_views,
    lists.get_view,
    lists.list_entries,
    lists.search_entries,
    lists.get_entry,
    lists.list_entry_fields,
    notes.list_notes,
    notes.list_record_notes,
    notes.get_note,
    notes.list_replies,
    notes.list_attached_persons,
    notes.list_attached_companies,
    notes.list_attached_opportunities,
    activity.list_files,
    activity.get_file,
    activity.list_reminders,
    activity.get_reminder,
]

"""Why records were skipped or failed: what can be done about each code."""

REASONS: dict[str, str] = {
    "cancelled": "The job was cancelled before it came to these. Create a new job to migrate them.",
    "credentials_refused": "The vendor refuses the key. Create a new job with one that is valid.",
    "credentials_unreadable": "The stored keys can no longer be decrypted. Create a new job with the keys.",
    "deleted_in_target": "These were deleted in the target after an earlier job had written them. Restore those "
    "there that are wanted.",
    "exists_in_target": "The target has these already. A job whose on_existing is fill or overwrite writes to them.",
    "file_incomplete": "The source's storage did not deliver these whole, also when asked again. Retry the job "
    "later, or add the files by hand.",
    "file_too_large": "The target takes no files of this size. Store them elsewhere and put links to them in the "
    "target.",
    "hidden_at_source": "Give the user of the source's key access to these, and run the job again.",
    "in_doubt": "The target did not say whether it made these. Retry the job: it looks for them before it writes.",
    "internal_error": "Freight itself failed. Retry the job, and report the error if it comes again.",
    "internal_person": "The firm's own people are members in the target. Invite those who are not members yet.",
    "job_failed": "The job failed before it came to these. See the error of the job, and retry it.",
    "list_not_carried": "The job does not migrate the list of these. Choose it in the mapping if it is wanted.",
    "merged_in_target": "The target took two records of the source for one. Compare them there, and merge or separate "
    "them.",
    "no_parent": "What these are attached to is not in the target. See what became of it, and run the job again.",
    "not_found": "Something that these need is gone. Run the job again: it sees what the source and the target "
    "have now.",
    "not_storable": "The database does not take what these hold. Correct at the source what the example names, and run "
    "the job again.",
    "only_own_company": "These are attached only to the firm's own company. Attach those that are wanted to "
    "another record at the source, and run the job again.",
    "only_own_people": "These are attached only to the firm's own people, who are no records in the target. Attach "
    "those that are wanted to another record at the source, and run the job again.",
    "paging_loops": "The vendor's pages have no end. Retry the job later, and report it to the vendor if it comes "
    "again.",
    "parent_not_in_target": "What is on the list here is not in the target. See what became of it, and run the job "
    "again.",
    "permission_missing": "A key may not do what these need. Extend what it may do, and retry the job.",
    "plan_limit_reached": "The plan of the workspace allows no more. Upgrade it or make room, and retry the job.",
    "query_too_complex": "The vendor refuses to look for these, also one at a time. Migrate them by hand, or ask "
    "the vendor to raise the limit and retry the job.",
    "quota_exhausted": "The quota of API calls is used up. Retry the job when it is renewed.",
    "rejected_by_source": "The source refused to give these. See the reason in the example, and run the job again.",
    "rejected_by_target": "The target refused these. Correct at the source what the example names, and retry the job.",
    "timed_out": "The step that these belong to came to no result in the time that it has. Retry the job later.",
    "unexpected_answer": "The vendor answered something that Freight does not know. Retry the job, and report the "
    "answer if it comes again.",
    "uniqueness_conflict": "Another record of the target holds a value of these that is allowed only once. Remove "
    "it from one of the two, and run the job again.",
    "unreadable_row": "The source gave these in a form that Freight does not know. Enter them by hand.",
    "vendor_error": "The vendor could not be asked. Retry the job.",
    "vendor_unavailable": "The vendor gave no usable answer, also when asked again. Retry the job later.",
}
"""What can be done, by the code with which a record was skipped or failed."""


def advice_on(code: str) -> str:
    """Return what can be done about records that were skipped or failed with this code."""
    return REASONS.get(code, "The message of the example says what happened and what can be done.")

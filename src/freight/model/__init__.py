"""The vendor-neutral vocabulary: records, fields, mapping, and the forms of values. No I/O."""

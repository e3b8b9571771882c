-- Hidden and missing items are few; with them counted apart, what is shown by default is counted from the folders' counters alone.
create index item_hidden on item (dataset_no, dir_no) where (flags & 1) = 1;
create index item_missing on item (dataset_no, dir_no) where state = 1;

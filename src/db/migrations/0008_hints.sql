-- Following hints: what a resolver leaves behind and by what it holds a key.

-- A removed row without an item: a key that was read and is not there, while its dataset had an unfinished sync. It has nothing to give back; its ticket
-- keeps an older page of that sync from adding the file.
alter table removed alter column item_no drop not null;

-- The ticket of the reading that is under way: whoever takes the key takes a new one, so it is the lease's fence as well.
alter table dirty alter column fence type bigint;

-- The planner's numbers are by dataset, and a dataset it does not know yet it takes for a single row. By default a table is looked at again when a tenth
-- of it has changed: in a large one a new dataset would stay unknown for days. Looking reads 30,000 rows, whatever the size.
alter table item set (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
alter table dir set (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
alter table dir_segment set (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
alter table annotation set (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
alter table removed set (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);

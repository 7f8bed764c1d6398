-- intelligence: what the work adds up to.
select 1;

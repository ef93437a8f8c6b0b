-- The relay compares message ids with the largest one it knows, byte by byte; so must the index, whatever language the database speaks.
alter table messages alter column id type text collate "C";

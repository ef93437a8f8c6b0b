-- What members who are added see: the whole history, or what comes after their joining. Of a member, the messages up to hidden_seq are hidden.
alter table conversations add column history text not null default 'all' check (history in ('all', 'joined'));
alter table members add column hidden_seq bigint not null default 0;

-- Groups that their owners deleted: a device that was away is told so, and a request that is repeated late does not make them anew.
create table deleted_conversations (
  id         text primary key,
  deleted_at bigint not null
);

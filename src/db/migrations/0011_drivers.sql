-- Kinds of integration and storage driver whose storage cannot be reached yet.

-- trust: of cross-account integrations only: whom the other account has to trust, and how far that is: { userArn or email, externalId, status, reason }.
alter table integration add column trust jsonb;

-- unsupported: everything is kept, but the storage of this type cannot be reached by this version; datasets can be made on it, syncs and streams are refused.
alter table driver drop constraint driver_state_check;
alter table driver add constraint driver_state_check check (state in ('ready', 'failed', 'disconnected', 'unsupported'));

-- Trials of an integration's drivers that are under way; the clockwork looks for abandoned ones every few seconds.
create index command_validating on command (updated_at) where type = 'validateDrivers' and status in ('created', 'in-progress');

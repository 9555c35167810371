-- Spreads the tables over the workers of a Citus cluster, by publisher. Run it once on the coordinator, as a superuser, in
-- the database of Leadwire, after the first start has made the tables and before the first lead, with no service running:
--
--   psql -v ON_ERROR_STOP=1 -f deploy/citus.sql leadwire
--
-- Each table is spread by its publisher_id and lies beside the others of the same publisher, so that a transaction about one
-- publisher is one worker's. Everything that Leadwire does still goes through the coordinator, where its locks are.
-- A test holds this list to the schema: every table with a publisher is here, and its keys begin with the publisher.
-- It has not been run on Citus by those who wrote it.
BEGIN;
SET LOCAL leadwire.publishers = '*';

-- What is about everybody is the same on every worker.
SELECT create_reference_table('meta');

SELECT create_distributed_table('api_key', 'publisher_id', colocate_with => 'none');
SELECT create_distributed_table('arrival', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('arrivals_counted', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('attempt', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('audit', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('audit_checkpoint', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('budget', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('bulk_job', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('counter', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('delivery', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('delivery_mapping', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('destination', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('doubt', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('erased_lead', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('erasure', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('feedback', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('feedback_reading', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('follow_up', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('idempotency', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('identity_rules', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('intake_token', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('interest_rule', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('lane', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('lead', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('lead_act', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('lead_step', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('lead_word', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('listing', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('mapping_version', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('member', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('moving', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('near_key', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('node', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('notice', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('notice_message', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('notice_mute', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('notice_receiver', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('notice_way', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('offer', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_bond', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_errand', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_factor', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_half', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_link', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_recovery', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_session', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('portal_user', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('proof', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('proof_told', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('publisher', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('publisher_key', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('quarantine', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('replay', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('replay_tally', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('retention', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('reveal', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('user_letter', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('route', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('saved_view', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('statement', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('suggesting', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('suggestion', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('tombstone', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('touchpoint', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('watch', 'publisher_id', colocate_with => 'api_key');
SELECT create_distributed_table('withhold_rule', 'publisher_id', colocate_with => 'api_key');
COMMIT;

-- Which publishers a transaction is about is said by SET LOCAL; the walls between publishers on the workers ask for it.
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = ''local''', current_database());
END $$;

-- The wall between publishers that the server holds by itself: a transaction sees and writes the rows of the publisher that it
-- named in leadwire.publishers, or of several, each between two commas, and those of all only when it said `*`. Not set, or
-- set in a transaction that is over, which leaves an empty text, there are none. It is asked for each row, so the usual case
-- is a comparison and no more.
-- It holds for the owner of the tables too; for a superuser nothing holds. Whatever table has a publisher gets it,
-- but for the nodes: whoever takes a lane asks whether its holder lives.
DO $$
DECLARE
    it RECORD;
BEGIN
    FOR it IN
        SELECT c.oid::regclass AS name
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'publisher_id' AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'node'
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'of_publishers'))
        ORDER BY 1
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS of_publishers ON %s', it.name);
        EXECUTE format(
            'CREATE POLICY of_publishers ON %s USING (
                current_setting(''leadwire.publishers'', true) = ''*''
                OR publisher_id = NULLIF(current_setting(''leadwire.publishers'', true), '''')
                OR strpos(current_setting(''leadwire.publishers'', true), '','' || publisher_id || '','') > 0)',
            it.name);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', it.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', it.name);
    END LOOP;
END
$$;

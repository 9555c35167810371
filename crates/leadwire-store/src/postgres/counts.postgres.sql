-- What the server is to believe of tables before it has counted them, and of columns whatever it counts: of publishers,
-- destinations and states there are few, of leads and touchpoints many. A server that counted a table while there was one row
-- in it takes every column for a key, and then goes through all deliveries of a publisher for one lead: until it counts anew,
-- which it does once a minute at best, every statement costs as much as there are rows.
-- A table that has nothing in it gets a row of nobody, is counted, and loses it again, in the transaction that all this is in.
DO $$
DECLARE
    it RECORD;
    counted RECORD;
BEGIN
    FOR it IN
        SELECT c.oid, c.oid::regclass AS name
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'publisher_id' AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attoptions IS NULL
        ORDER BY 2
    LOOP
        FOR counted IN
            SELECT a.attname AS name,
                CASE WHEN a.attname IN ('lead_id', 'touchpoint_id') THEN '-0.3' ELSE '4' END AS values
            FROM pg_attribute a
            WHERE a.attrelid = it.oid AND NOT a.attisdropped
                AND a.attname IN ('publisher_id', 'destination_no', 'state', 'claim', 'lead_id', 'touchpoint_id')
        LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET (n_distinct = %s)', it.name, counted.name, counted.values);
        END LOOP;
        BEGIN
            EXECUTE (
                SELECT format(
                    'INSERT INTO %s (%s) SELECT %s WHERE NOT EXISTS (SELECT 1 FROM %1$s)', it.name,
                    string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
                    string_agg(
                        CASE
                            WHEN a.attname = 'publisher_id' THEN quote_literal('#')
                            WHEN a.attname = 'state' AND it.name::text = 'delivery' THEN quote_literal('pending')
                            WHEN a.atttypid = 'bigint'::regtype THEN '0'
                            ELSE quote_literal('') || '::' || format_type(a.atttypid, NULL)
                        END, ', ' ORDER BY a.attnum))
                FROM pg_attribute a
                WHERE a.attrelid = it.oid AND a.attnum > 0 AND NOT a.attisdropped);
        EXCEPTION WHEN check_violation THEN
            -- Of small tables it does not matter what is believed.
            NULL;
        END;
        EXECUTE format('ANALYZE %s', it.name);
        EXECUTE format('DELETE FROM %s WHERE publisher_id = %L', it.name, '#');
    END LOOP;
END
$$;

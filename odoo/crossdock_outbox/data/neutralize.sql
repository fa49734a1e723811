-- Runs when a copy of the database is made harmless: it must not push to the receiver of the original.
UPDATE crossdock_settings SET push_enabled = false;

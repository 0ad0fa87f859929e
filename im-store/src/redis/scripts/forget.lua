-- Forgets failures.
-- KEYS: they.
return redis.call('DEL', KEYS[1])

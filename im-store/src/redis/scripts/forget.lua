-- Forgets failures of whom they are.
-- KEYS: they. ARGV: who.
if redis.call('HGET', KEYS[1], 'of') == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0

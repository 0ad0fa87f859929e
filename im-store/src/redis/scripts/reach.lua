-- Remembers how far a store has come. How far it had come before, or 0.
-- KEYS: how far. ARGV: how far it has come; and for how many milliseconds that is remembered.
local before = redis.call('GET', KEYS[1]) or '0'
local furthest = before
if tonumber(ARGV[1]) > tonumber(before) then
    furthest = ARGV[1]
end
redis.call('SET', KEYS[1], furthest, 'PX', ARGV[2])
return before

-- Counts an attempt, if it may be made. For how many microseconds it may not, or 0.
-- KEYS: when all that was used up is given back, in microseconds of the server's clock. ARGV: in how many microseconds one
-- attempt is given back; in how many all of them; and whether this one counts, 1 or 0.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local next = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + ARGV[1]
local wait = next - now - ARGV[2]
if wait > 0 then
    return wait
end
if ARGV[3] == '1' then
    redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', string.format('%.0f', math.ceil((next - now) / 1000)))
end
return 0

-- Counts an attempt that was right or wrong, unless there is a lock.
-- KEYS: how many `failures` there were in a row, and `until` when they lock. ARGV: whether it was right, 1 or 0; after how
-- many failures there is a lock; and in microseconds how long the first lock lasts, the longest one, and the memory of a failure.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ends = redis.call('HGET', KEYS[1], 'until')
if ends and now < tonumber(ends) then
    return 'locked'
end
if ARGV[1] == '1' then
    redis.call('DEL', KEYS[1])
    return 'right'
end
local more = redis.call('HINCRBY', KEYS[1], 'failures', 1) - ARGV[2]
if more >= 0 then
    local span = math.min(ARGV[3] * 2 ^ math.min(more, 16), ARGV[4] + 0)
    redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + span))
end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(ARGV[5] / 1000)))
return 'wrong'

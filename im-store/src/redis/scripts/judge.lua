-- Counts an attempt that was right or wrong, unless there is a lock. Of two keys that share a place one takes turns in it with
-- the other, and a lock is only for whom it was made: nobody gets rid of it by failing as somebody else.
-- KEYS: whose place it is, `of`; how many `failures` there were in a row, and `until` when they lock. ARGV: whether it was
-- right, 1 or 0; after how many failures there is a lock; in microseconds how long the first lock lasts, the longest one, and
-- the memory of a failure; and who asks.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ends = redis.call('HGET', KEYS[1], 'until')
local is_locked = ends and now < tonumber(ends)
local is_mine = redis.call('HGET', KEYS[1], 'of') == ARGV[6]
if is_mine and is_locked then
    return 'locked'
end
if ARGV[1] == '1' then
    if is_mine then
        redis.call('DEL', KEYS[1])
    end
    return 'right'
end
if not is_mine then
    if is_locked then
        return 'wrong'
    end
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'of', ARGV[6])
end
local more = redis.call('HINCRBY', KEYS[1], 'failures', 1) - ARGV[2]
if more >= 0 then
    local span = math.min(ARGV[3] * 2 ^ math.min(more, 16), ARGV[4] + 0)
    redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + span))
end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(ARGV[5] / 1000)))
return 'wrong'

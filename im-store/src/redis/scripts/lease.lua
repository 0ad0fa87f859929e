-- Takes a lease, or keeps it, or gives it back. Whether the holder has it now, as 1 or 0.
-- KEYS: the lease. ARGV: the holder; now and until when, in milliseconds of the callers' clocks; and for how many
-- milliseconds it is remembered.
local taken = redis.call('HMGET', KEYS[1], 'holder', 'until')
if taken[1] and taken[1] ~= ARGV[1] and tonumber(ARGV[2]) < tonumber(taken[2]) then
    return 0
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1

-- Says that a node is there, unless another database's nodes are, or nodes that speak otherwise.
-- KEYS: the nodes, and whose they are. ARGV: the store; the protocol; the node, or empty for one that only asks; and for
-- how many microseconds it is there.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local stood = redis.call('ZSCORE', KEYS[1], ARGV[3])
local others = redis.call('ZCARD', KEYS[1])
if stood then
    others = others - 1
end
if others > 0 then
    local whose = redis.call('HMGET', KEYS[2], 'store', 'protocol')
    if whose[1] and whose[1] ~= ARGV[1] then
        return { 'store', whose[1] }
    end
    if whose[2] and whose[2] ~= ARGV[2] then
        return { 'protocol', whose[2] }
    end
end
redis.call('HSET', KEYS[2], 'store', ARGV[1], 'protocol', ARGV[2])
if ARGV[3] == '' then
    return { 'free' }
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[4]), ARGV[3])
local answer = redis.call('ZRANGE', KEYS[1], 0, -1)
table.insert(answer, 1, stood and 'stands' or 'new')
return answer

-- Notes what a node has of users, and tells where each is now.
-- KEYS: the users. ARGV: the node; for how many microseconds it stands; the newest version that the node has seen; and what
-- it has of each user, in the order of KEYS, empty for nothing.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ends = string.format('%.0f', now + ARGV[2])
local answers = {}
for at, key in ipairs(KEYS) do
    -- Never below what was there, nor below what was there before everything was lost.
    local version = math.max(now, ARGV[3] + 1, (redis.call('HGET', key, 'version') or 0) + 1)
    local answer = { string.format('%.0f', version) }
    if ARGV[at + 3] == '' then
        redis.call('HDEL', key, ARGV[1])
        redis.call('HSET', key, 'version', answer[1])
    else
        redis.call('HSET', key, 'version', answer[1], ARGV[1], ends .. ':' .. ARGV[at + 3])
    end
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
        if fields[i] ~= 'version' then
            local mark = string.find(fields[i + 1], ':', 1, true)
            if tonumber(string.sub(fields[i + 1], 1, mark - 1)) > now then
                answer[#answer + 1] = fields[i]
                answer[#answer + 1] = string.sub(fields[i + 1], mark + 1)
            else
                redis.call('HDEL', key, fields[i])
            end
        end
    end
    redis.call('PEXPIRE', key, string.format('%.0f', ARGV[2] / 1000))
    answers[at] = answer
end
return answers

-- Tells where users are.
-- KEYS: the users. ARGV: the newest version that the node has seen.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for at, key in ipairs(KEYS) do
    local fields = redis.call('HGETALL', key)
    -- That nobody has the user is newer than whatever was known of it.
    local answer = { string.format('%.0f', math.max(now, ARGV[1] + 0)) }
    for i = 1, #fields, 2 do
        if fields[i] == 'version' then
            answer[1] = fields[i + 1]
        else
            local mark = string.find(fields[i + 1], ':', 1, true)
            if tonumber(string.sub(fields[i + 1], 1, mark - 1)) > now then
                answer[#answer + 1] = fields[i]
                answer[#answer + 1] = string.sub(fields[i + 1], mark + 1)
            end
        end
    end
    answers[at] = answer
end
return answers

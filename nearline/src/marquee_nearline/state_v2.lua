#!lua name=marquee_state_v2
-- As version 1, and with it what the bandit learns, so that users, sums and offset change together.
-- KEYS[1] is the partition's meta hash {topic, off, epoch}, KEYS[2] its hash of images, KEYS[3..]
-- are strings of that partition; all under one hash tag.

local STEP = 1000  -- values handed to one command: Lua's stack holds some thousand

-- ARGV: fields of the hash of images. Answers {next offset, epoch, the strings, the fields}.
local function load(keys, args)
  local meta = redis.call('HMGET', keys[1], 'off', 'epoch')
  local answer = {tonumber(meta[1] or -1), tonumber(meta[2] or 0)}
  for i = 3, #keys, STEP do
    for _, value in ipairs(redis.call('MGET', unpack(keys, i, math.min(i + STEP - 1, #keys)))) do
      answer[#answer + 1] = value
    end
  end
  for i = 1, #args, STEP do
    local fields = redis.call('HMGET', keys[2], unpack(args, i, math.min(i + STEP - 1, #args)))
    for _, value in ipairs(fields) do
      answer[#answer + 1] = value
    end
  end
  return answer
end

-- ARGV: first offset of the batch, next offset after it, epoch, seconds that the last n strings
-- live, n, one value per string, then field and value of each image.
local function apply(keys, args)
  local meta = redis.call('HMGET', keys[1], 'off', 'epoch')
  if tonumber(args[3]) ~= tonumber(meta[2]) then return 'FENCED' end
  -- Our own retry after a lost reply. (A rebuild writes without moving: first equals next.)
  if meta[1] == args[2] and args[1] ~= args[2] then return 'DUP' end
  if meta[1] ~= args[1] then return 'MISMATCH' end  -- rolled back, or messages were skipped
  local lasting = #keys - tonumber(args[5])
  for i = 3, #keys do
    if i > lasting then
      redis.call('SET', keys[i], args[i + 3], 'EX', args[4])
    else
      redis.call('SET', keys[i], args[i + 3])
    end
  end
  for i = #keys + 4, #args, 2 do
    redis.call('HSET', keys[2], args[i], args[i + 1])
  end
  redis.call('HSET', keys[1], 'off', args[2])
  return 'OK'
end

-- KEYS: a partition's shared sums and its hash of images, as of one instant.
local function sums(keys)
  return {redis.call('GET', keys[1]), redis.call('HGETALL', keys[2])}
end

redis.register_function{function_name='nl_load_v2', callback=load, flags={'no-writes'}}
redis.register_function('nl_apply_v2', apply)
redis.register_function{function_name='nl_sums_v2', callback=sums, flags={'no-writes'}}

#!lua name=marquee_state_v1
-- One partition's users and its offset change together, in one call, or not at all.
-- KEYS[1] is the partition's meta hash {topic, off, epoch}; KEYS[2..] are users of that partition,
-- all under one hash tag. A new version is a new library name, loaded beside the old.

-- ARGV: topic id. Takes the partition over: answers {epoch, next offset}; {-1, 0} when the stored
-- offset belongs to another topic of the same name, {-2, 0} when the partition was never opened.
local function acquire(keys, args)
  local meta = redis.call('HMGET', keys[1], 'off', 'topic')
  if not meta[1] then return {-2, 0} end
  if not meta[2] then
    redis.call('HSET', keys[1], 'topic', args[1])
  elseif meta[2] ~= args[1] then
    return {-1, 0}
  end
  local epoch = redis.call('HINCRBY', keys[1], 'epoch', 1)
  return {epoch, tonumber(redis.call('HGET', keys[1], 'off'))}
end

-- Answers {next offset, epoch, blob or nil for each user}; the offset is -1 where there is none.
local function load(keys)
  local meta = redis.call('HMGET', keys[1], 'off', 'epoch')
  local answer = {tonumber(meta[1] or -1), tonumber(meta[2] or 0)}
  if #keys > 1 then
    for _, blob in ipairs(redis.call('MGET', unpack(keys, 2))) do
      answer[#answer + 1] = blob
    end
  end
  return answer
end

-- ARGV: first offset of the batch, next offset after it, epoch, one blob per user.
local function apply(keys, args)
  local meta = redis.call('HMGET', keys[1], 'off', 'epoch')
  if tonumber(args[3]) ~= tonumber(meta[2]) then return 'FENCED' end
  -- Our own retry after a lost reply. (A rebuild writes without moving: first equals next.)
  if meta[1] == args[2] and args[1] ~= args[2] then return 'DUP' end
  if meta[1] ~= args[1] then return 'MISMATCH' end  -- rolled back, or messages were skipped
  for i = 2, #keys do
    redis.call('SET', keys[i], args[i + 2])
  end
  redis.call('HSET', keys[1], 'off', args[2])
  return 'OK'
end

redis.register_function('nl_acquire_v1', acquire)
redis.register_function{function_name='nl_load_v1', callback=load, flags={'no-writes'}}
redis.register_function('nl_apply_v1', apply)

#!/bin/sh
# Makes the secrets of one installation: random, once, each in the volume of those who need it and of
# nobody else. Redis' users are written anew at every start, for a release may change what they may do.
set -eu
root=${1:-/secrets}
umask 022   # a volume is seen by its own services alone, and each runs as a user of its own

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

once() {   # once FILE BYTES [BEFORE [BEHIND]]: a random word that stays, in the text around it
  [ -s "$1" ] || { printf '%s%s%s' "${3:-}" "$(random "$2")" "${4:-}" > "$1.new" && mv "$1.new" "$1"; }
}

once "$root/store/access-key" 10
once "$root/store/secret-key" 20
for tier in offline nearline online; do
  cp "$root/store/access-key" "$root/$tier/store-access-key"
  cp "$root/store/secret-key" "$root/$tier/store-secret-key"
done
for tier in nearline online; do
  once "$root/$tier/redis" 24 "redis://$tier:" @redis:6379/0
done
once "$root/online/credit-keys" 32 k1:
cp "$root/online/credit-keys" "$root/nearline/credit-keys"   # it credits what online has signed

# The offline tier never speaks to Redis, and Redis knows no password but by its hash. A function runs
# with the rights of who calls it.
hashed() {   # hashed TIER: its password, as an ACL takes it
  printf '#%s' "$(sed 's/.*:\(.*\)@.*/\1/' "$root/$1/redis" | tr -d '\n' | sha256sum | cut -d ' ' -f 1)"
}
# Nobody can log in as the default user, but Redis itself replays its log as that user: without rights it
# would drop, at every restart, each write that a function has made.
cat > "$root/redis/users.acl" <<ACL
user default off resetpass ~* &* +@all
user health on nopass resetkeys resetchannels -@all +ping
user nearline on $(hashed nearline) resetchannels ~u:* ~p:* ~s:* ~b:* ~bandit:* ~cluster:meta -@all +ping +function|load +fcall +exists +get +mget +set +hget +hmget +hgetall +hset +hsetnx +hincrby +scan +unlink
user online on $(hashed online) resetchannels %R~u:* %R~s:* %R~bandit:* %R~cluster:meta -@all +ping +get +mget +getrange +hgetall
ACL

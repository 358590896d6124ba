#!/bin/sh
# Makes the secrets of one installation: random, once, each in the volume of those who need it and of
# nobody else. Redis' users are written anew at every start, for a release may change what they may do.
set -eu
umask 022   # a volume is seen by its own services alone, and each runs as a user of its own

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

once() {   # once FILE BYTES: a random word that stays
  [ -s "$1" ] || { random "$2" > "$1.new" && mv "$1.new" "$1"; }
}

once /secrets/store/access-key 10
once /secrets/store/secret-key 20
once /secrets/redis/nearline 24
once /secrets/redis/online 24
for tier in offline nearline online; do
  cp /secrets/store/access-key "/secrets/$tier/store-access-key"
  cp /secrets/store/secret-key "/secrets/$tier/store-secret-key"
done
for tier in nearline online; do
  printf 'redis://%s:%s@redis:6379/0' "$tier" "$(cat /secrets/redis/$tier)" > "/secrets/$tier/redis"
done
[ -s /secrets/online/credit-keys ] || printf 'k1:%s' "$(random 32)" > /secrets/online/credit-keys
cp /secrets/online/credit-keys /secrets/nearline/credit-keys   # it credits what online has signed

# The offline tier never speaks to Redis. A function runs with the rights of who calls it.
hashed() { printf '#%s' "$(sha256sum < "$1" | cut -d ' ' -f 1)"; }
cat > /secrets/redis/users.acl <<ACL
user default off resetpass
user health on nopass resetkeys resetchannels -@all +ping
user nearline on $(hashed /secrets/redis/nearline) resetchannels ~u:* ~p:* ~s:* ~b:* ~bandit:* ~cluster:meta -@all +ping +function|load +fcall +exists +get +mget +set +hget +hmget +hgetall +hset +hsetnx +hincrby +scan +unlink
user online on $(hashed /secrets/redis/online) resetchannels %R~u:* %R~s:* %R~bandit:* %R~cluster:meta -@all +ping +get +mget +getrange +hgetall
ACL

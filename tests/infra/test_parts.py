import redis
def test_x(endpoints):
    with redis.Redis.from_url(endpoints.redis) as r: assert r.ping()

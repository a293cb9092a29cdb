"""The tests. What they look for in the environment, each with a fallback:

``FEEDBOT_TEST_EXAMPLES``   10 has every property tried with ten times as many examples
``FEEDBOT_TEST_KILLS``      how often workers are killed in the storm of tests/scale
``FEEDBOT_TEST_POSTGRES``   the address of a PostgreSQL in which databases may be made
``FEEDBOT_TEST_CORPUS``     a folder of real feeds and posts
"""

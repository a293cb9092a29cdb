"""The tests. What they look for in the environment, each with a fallback:

``FEEDBOT_TEST_EXAMPLES``   10 has every property tried with ten times as many examples
``FEEDBOT_TEST_KILLS``      how often workers are killed in the storm of tests/scale
``FEEDBOT_TEST_POSTGRES``   the address of a PostgreSQL in which databases may be made
``FEEDBOT_TEST_CORPUS``     a folder of real feeds and posts
``FEEDBOT_TEST_SYNAPSE``    a virtual environment with the Matrix homeserver in it (``pip install matrix-synapse``);
                            else one that is installed is looked for

Likewise exim4 and mosquitto are started where they are installed. The tests of Synapse and of exim4 are left out
where there is none.
"""

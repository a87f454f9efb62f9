# Bailu (白鹭): `make run` starts the platform, `make test` runs every test; both set up what they need.
PYTHON ?= python3
BIN := .venv/bin
NAME ?= all

.DEFAULT_GOAL := help
.PHONY: help run setup check test soak bench openapi clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

run: ## Set up what is missing and start the platform with a simulated fleet
	@$(PYTHON) tools/bootstrap.py run
	@exec $(BIN)/bailu up

setup: ## Set up everything that development and the tests need, into .venv/
	@$(PYTHON) tools/bootstrap.py dev

check: setup ## The inner loop: lint, types, import rules, pure tests (under a minute)
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(PYTHON) tools/bootstrap.py npm run --silent test
	$(BIN)/pytest -q -n 2 -m "not thorough and not system and not browser and not sitl and not soak"

# The stories mostly wait for their vehicles: three at a time, those that ask for an answer in our time by themselves.
test: check ## All tests: check, the thorough ones, then system, ArduPilot SITL where present, browser
	$(BIN)/pytest -q -n 2 -m "thorough and not soak"
	$(BIN)/pytest -q -n 3 --dist loadfile -m "(system or browser or sitl) and not alone and not soak"
	$(BIN)/pytest -q -m "(system or browser or sitl) and alone and not soak"

soak: setup ## The long runs
	$(BIN)/pytest -q -m soak

bench: setup ## Print one JSON line per figure: make bench [NAME=…]
	@$(BIN)/python -m bench $(NAME)

openapi: setup ## Write the descriptions of API and stream, and the console's types, from the code
	$(BIN)/bailu openapi > tests/golden/openapi.json
	cp tests/golden/openapi.json console/src/api/openapi.json
	$(BIN)/bailu asyncapi > docs/asyncapi.json
	$(BIN)/bailu asyncapi --types > console/src/api/stream.json
	@$(PYTHON) tools/bootstrap.py npm run --silent types

clean: ## Remove what set-up and builds made (the data stay)
	rm -rf .venv console/node_modules console/dist build *.egg-info

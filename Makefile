# Every target hands over to a program in scripts/; `node scripts/run.mjs` sees to
# it that what npm installs is there first. Options go in ARGS: make bench ARGS="tls --json"
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

RUN := node scripts/run.mjs

.DEFAULT_GOAL := help
.PHONY: help setup unsetup doctor workshop test test-kubernetes soak bench contract clean

help: ## List these targets
	@echo 'Unmodified apps and their TypeScript sidecars, by docker compose. Begin with: make demo-https'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Get engine, base images and bundles (the others do it too)
	@$(RUN) setup $(ARGS)

doctor: ## Show what is here and what is missing
	@$(RUN) doctor $(ARGS)

# Told step by step, left running. The pattern below has the recipe.
demo-https: ## HTTPS for a legacy service
demo-config: ## Configuration from an API, rolled back when it does not work
demo-topz: ## The processes of an application, looked at from beside it
demo-lifecycle: ## What makes a container a sidecar
demo-paas: ## git push, and the running application is the new code
demo-content: ## 10,000 files from git under nginx, versions never mixed
demo-cache: ## Pages that stay available while their application is down
demo-logs: ## Every line of three applications in a store, counted
demo-auth: ## A login for an app without one
demo-mesh: ## A service mesh for an unmodified shop
demo-ambassador: ## One Redis for an application, three behind it
demo-watch: ## One request in traces, log lines and metrics of every sidecar

demo-%:
	@$(RUN) demo $* $(ARGS)

stack-https: ## A stack with every check, then torn down (stack-NAME)

stack-%:
	@$(RUN) stack $* $(ARGS)

workshop: ## Exercises that check themselves, and a page that shows the pods live
	@$(RUN) workshop $(ARGS)

test: ## Types, lint, unit tests, contracts, every stack
	@$(RUN) test $(ARGS)

test-kubernetes: ## Tests on a cluster of one node, which Go builds once
	@$(RUN) kubernetes up
	@for each in scripts/kubernetes/dry-run.test.ts scripts/kubernetes/inject.test.ts workshop/20-native/check.engine.test.ts scripts/podman/drivers.engine.test.ts; do node $$each || exit 1; done

soak: ## What is too heavy for test: large loads, long attacks, many random cases
	@$(RUN) soak $(ARGS)

bench: ## Measure the sidecars beside what they compete with
	@$(RUN) bench $(ARGS)

contract: ## Check every sidecar against its contract
	@$(RUN) contract $(ARGS)

clean: ## Remove every container, network, volume and image of ours
	@$(RUN) clean $(ARGS)

unsetup: ## Take back what setup changed on this machine
	@$(RUN) unsetup $(ARGS)

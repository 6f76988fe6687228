#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
[ "$1" = "an argument" ]
mark=${TMPDIR:-/tmp}/$NSRUN_CALL
[ -z "${NSRUN_RUN_ID:-}" ] || mark=${TMPDIR:-/tmp}/$NSRUN_RUN_ID
case $NSRUN_CALL in
pre-exec)
	echo made >"$mark"
	printf '{"state": {"mark": "%s"}, "results": {"mark": "%s"}, "env": [{"name": "MARK", "value": "%s"}]}' "$mark" "$mark" "$mark" ;;
post-exec)
	rm -f "$mark" ;;
check-run)
	severity=error; [ ! -e "$mark" ] || severity=notice
	printf '{"diagnostics": [{"severity": "%s", "summary": "mark %s"}]}' "$severity" "$mark" ;;
update)
	if grep -q '"remove"' ; then
		echo '{"diagnostics": [{"summary": "the mark has no such colour"}]}'
	else
		echo '{"settings": [{"option": "colour", "args": ["red"]}], "results": {"colour": "red"}, "state": {"colour": "red"}}'
	fi ;;
check)
	echo '{"diagnostics": [{"severity": "notice", "summary": "marks need a directory for temporary files"}]}' ;;
esac

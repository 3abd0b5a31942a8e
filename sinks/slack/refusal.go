package slack

import (
	"errors"
	"strings"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/words"
)

// refusal is an answer with ok false (HTTP 200), by Slack's own code.
type refusal struct {
	code string
	said event.Said // what it was
	next event.Said // what to do about it
}

func (r *refusal) Error() string { return words.English(r.Says()) }

// Says is both.
func (r *refusal) Says() event.Said { return r.said.And(r.next) }

// What is to be done about a code that no later attempt can change. Codes are
// those that the references of chat.postMessage and chat.update list.
var (
	fixToken   = words.SlackToken.With()
	fixScope   = words.SlackScope.With()
	fixInvite  = words.SlackInvite.With()
	fixChannel = words.SlackChannel.With()
	fixPolicy  = words.SlackPolicy.With()
	fixWebhook = words.SlackWebhook.With()
	fixMessage = words.SlackDefect.With()
)

var permanent = map[string]event.Said{
	"not_authed": fixToken, "invalid_auth": fixToken, "account_inactive": fixToken, "token_revoked": fixToken, "token_expired": fixToken,
	"not_allowed_token_type": fixToken,
	"missing_scope":          fixScope, "no_permission": fixScope,
	"channel_not_found": fixChannel, "not_in_channel": fixInvite,
	"is_archived":   words.SlackArchived.With(),
	"access_denied": fixPolicy, "accesslimited": fixPolicy, "ekm_access_denied": fixPolicy, "enterprise_is_restricted": fixPolicy,
	"messages_tab_disabled": fixPolicy, "restricted_action": fixPolicy, "restricted_action_read_only_channel": fixPolicy,
	"restricted_action_thread_only_channel": fixPolicy, "restricted_action_non_threadable_channel": fixPolicy,
	"team_access_not_granted": fixPolicy, "two_factor_setup_required": fixPolicy,
	"attachment_payload_limit_exceeded": fixMessage, "invalid_arguments": fixMessage, "invalid_arg_name": fixMessage, "invalid_array_arg": fixMessage,
	"invalid_blocks": fixMessage, "invalid_blocks_format": fixMessage, "invalid_charset": fixMessage, "invalid_json": fixMessage,
	"invalid_post_type": fixMessage, "json_not_object": fixMessage, "missing_post_type": fixMessage, "msg_blocks_too_long": fixMessage,
	"invalid_payload": fixMessage,
	"no_service":      fixWebhook, "no_service_id": fixWebhook, "no_active_hooks": fixWebhook, "no_team": fixWebhook, "team_disabled": fixWebhook, "invalid_token": fixWebhook,
	"channel_is_archived": words.SlackArchivedHook.With(), "action_prohibited": fixPolicy, "posting_to_general_channel_denied": fixPolicy,
	"msg_too_long": fixMessage, "no_text": fixMessage, "too_many_attachments": fixMessage,
}

// passing are codes that need nothing but time. What no table has may pass
// too: Slack adds codes.
var passing = map[string]bool{
	"ratelimited": true, "rate_limited": true, "message_limit_exceeded": true, "fatal_error": true, "internal_error": true,
	"request_timeout": true, "service_unavailable": true, "org_login_required": true, "team_added_to_org": true,
}

var (
	// gone: the message that was to be changed or answered is not there.
	gone = []string{
		"message_not_found", "thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "restricted_action_thread_locked",
		"restricted_action_non_threadable_channel", "channel_not_found", "not_in_channel", "is_archived",
	}
	// fixed: the message is there and cannot be changed.
	fixed = []string{"cant_update_message", "edit_window_closed"}
	// deleted: Slack has had the message, and somebody has deleted it.
	deleted = []string{"duplicate_message_not_found", "duplicate_channel_not_found"}
)

func isRefusal(err error, codes []string) bool {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return false
	}
	for _, c := range codes {
		if r.code == c {
			return true
		}
	}
	return false
}

// refused is the error of an answer with ok false.
func refused(method string, a answer) error {
	code := sinks.Line(a.Error, 64)
	more := ""
	if a.Needed != "" {
		more = " (" + sinks.Line(a.Needed, 64) + ")"
	}
	if detail := sinks.Line(strings.Join(a.ResponseMetadata.Messages, ", "), 200); detail != "" {
		more += ": " + detail
	}
	said := words.SlackAnswered.With(method, code)
	if more != "" {
		said = words.SlackAnsweredMore.With(method, code, more)
	}
	next, is := permanent[a.Error]
	switch {
	case next == fixToken || next == fixWebhook:
		return sinks.Refused(sinks.Permanent(&refusal{a.Error, said, next}))
	case is:
		return sinks.Permanent(&refusal{a.Error, said, next})
	case passing[a.Error]:
		return &refusal{a.Error, said, words.TriedAgain.With()}
	}
	return &refusal{a.Error, said, words.TriedAgainSee.With(method)}
}

package slack

import (
	"errors"
	"fmt"
	"strings"

	"dswatch/sinks"
)

// refusal is an answer with ok false (HTTP 200), by Slack's own code.
type refusal struct {
	code, text string
}

func (r *refusal) Error() string { return r.text }

// What is to be done about a code that no later attempt can change. Codes are
// those that the references of chat.postMessage and chat.update list.
const (
	fixToken   = "write a bot token (xoxb-...) of an installed app as bot_token"
	fixScope   = "give the app the scope chat:write and install it again"
	fixInvite  = "invite the bot to the channel (/invite), or give the app the scope chat:write.public"
	fixChannel = "check channel; to a private channel the bot must be invited (/invite)"
	fixPolicy  = "ask the workspace's administrators to let the app post there, or choose another channel"
	fixWebhook = "make a new incoming webhook and write its URL as webhook_url"
	fixMessage = "this is a defect of dswatch, please report it"
)

var permanent = map[string]string{
	"not_authed": fixToken, "invalid_auth": fixToken, "account_inactive": fixToken, "token_revoked": fixToken, "token_expired": fixToken,
	"not_allowed_token_type": fixToken,
	"missing_scope":          fixScope, "no_permission": fixScope,
	"channel_not_found": fixChannel, "not_in_channel": fixInvite,
	"is_archived":   "unarchive the channel, or choose another one",
	"access_denied": fixPolicy, "accesslimited": fixPolicy, "ekm_access_denied": fixPolicy, "enterprise_is_restricted": fixPolicy,
	"messages_tab_disabled": fixPolicy, "restricted_action": fixPolicy, "restricted_action_read_only_channel": fixPolicy,
	"restricted_action_thread_only_channel": fixPolicy, "restricted_action_non_threadable_channel": fixPolicy,
	"team_access_not_granted": fixPolicy, "two_factor_setup_required": fixPolicy,
	"attachment_payload_limit_exceeded": fixMessage, "invalid_arguments": fixMessage, "invalid_arg_name": fixMessage, "invalid_array_arg": fixMessage,
	"invalid_blocks": fixMessage, "invalid_blocks_format": fixMessage, "invalid_charset": fixMessage, "invalid_json": fixMessage,
	"invalid_post_type": fixMessage, "json_not_object": fixMessage, "missing_post_type": fixMessage, "msg_blocks_too_long": fixMessage,
	"invalid_payload": fixMessage,
	"no_service":      fixWebhook, "no_service_id": fixWebhook, "no_active_hooks": fixWebhook, "no_team": fixWebhook, "team_disabled": fixWebhook, "invalid_token": fixWebhook,
	"channel_is_archived": "unarchive the channel, or make a webhook for another one", "action_prohibited": fixPolicy, "posting_to_general_channel_denied": fixPolicy,
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
	text := method + ": Slack answered " + code
	if a.Needed != "" {
		text += " (" + sinks.Line(a.Needed, 64) + ")"
	}
	if detail := sinks.Line(strings.Join(a.ResponseMetadata.Messages, ", "), 200); detail != "" {
		text += ": " + detail
	}
	next, is := permanent[a.Error]
	switch {
	case next == fixToken || next == fixWebhook:
		return sinks.Refused(sinks.Permanent(&refusal{a.Error, text + "; " + next}))
	case is:
		return sinks.Permanent(&refusal{a.Error, text + "; " + next})
	case passing[a.Error]:
		return &refusal{a.Error, text + "; it will be tried again"}
	}
	return &refusal{a.Error, text + fmt.Sprintf("; it will be tried again, see the reference of %s", method)}
}

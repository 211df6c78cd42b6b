/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shim/broker-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* It stays so: what was asked for may be half done, and another helper knows nothing of it. */
static int die(struct broker *broker, const char *cause)
{
	snprintf(broker->dead, sizeof(broker->dead),
		 "the helper %s; open the context anew, it does not come back by itself", cause);
	broker->fd = sys_close(broker->fd);
	return why(-EIO, "%s", broker->dead);
}

static const char *cause_of(ssize_t r)
{
	if (r == -EAGAIN)
		return "did not answer in time";
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return "is gone, or has dropped this program: its log says why";
	return r > 0 || r == -EMSGSIZE ? "can't be understood"
				       : "can't be asked: a system call failed";
}

static ssize_t by_message(struct broker *broker, int *ret_fd)
{
	const union wire_request *request = &broker->request;
	ssize_t r = sys_send_message(broker->fd, request, request->head.size);

	return r < 0 ? r
		     : sys_receive_message(broker->fd, &broker->reply, sizeof(broker->reply),
					   ret_fd);
}

/* The reply, in its place. */
static int exchange(struct broker *broker, int *ret_fd)
{
	const union wire_request *request = &broker->request;
	bool ring = broker->ring.shared && wire_in_ring((enum hws_wire_op)request->head.op);
	ssize_t r;

	*ret_fd = -1;
	r = ring ? broker_ring_ask(broker) : by_message(broker, ret_fd);
	if (r > 0 && wire_check_reply(request, &broker->reply, (size_t)r) == 0)
		return 0;
	*ret_fd = sys_close(*ret_fd);
	return die(broker, cause_of(r));
}

void *broker_put(struct broker *broker, enum hws_wire_op op, uint32_t steps)
{
	wire_begin(&broker->request, op, steps, ++broker->sequence);
	if (broker->version)
		broker->request.head.version = broker->version;
	return broker->request.bytes + sizeof(broker->request.head);
}

void *broker_begin(struct broker *broker, enum hws_wire_op op, uint32_t steps)
{
	pthread_mutex_lock(&broker->lock);
	if (op == HWS_WIRE_RUN && !broker->ring.shared)
		broker_ring_prepare(broker);
	return broker_put(broker, op, steps);
}

int broker_ask(struct broker *broker, int *ret_fd)
{
	const struct hws_wire_answer *answer = &broker->reply.answer;
	enum hws_wire_op op = (enum hws_wire_op)broker->request.head.op;
	int fd;
	int r;

	if (*broker->dead)
		return why(-EIO, "%s", broker->dead);
	if (broker->pid != sys_pid())
		return why(-ECHILD, "the helper serves the parent: a child of fork() opens a "
				    "context of its own");
	if (broker->version && broker->version < wire_since(op))
		return why(-EOPNOTSUPP, "the helper is older than this: update it");
	r = exchange(broker, &fd);
	if (ret_fd && r == 0 && answer->code == 0)
		*ret_fd = fd;
	else
		sys_close(fd);
	if (r < 0 || answer->code == 0)
		return r;
	return why(answer->code, "%s", answer->why);
}

void broker_end(struct broker *broker)
{
	pthread_mutex_unlock(&broker->lock);
}

static int agree(struct broker *broker)
{
	struct hws_wire_hello *hello = broker_begin(broker, HWS_WIRE_HELLO, 0);
	const struct hws_wire_welcome *welcome = wire_reply_body(&broker->reply);
	int r;

	*hello = (struct hws_wire_hello) { .oldest = HWS_WIRE_OLDEST, .newest = HWS_WIRE_VERSION };
	r = broker_ask(broker, NULL);
	if (r == 0 && (welcome->version < HWS_WIRE_OLDEST || welcome->version > HWS_WIRE_VERSION ||
		       welcome->steps < HWS_WIRE_STEPS))
		r = why(-EPROTONOSUPPORT, "the helper speaks version %u of the protocol, not %d",
			welcome->version, HWS_WIRE_VERSION);
	broker->version = r == 0 ? welcome->version : 0;
	broker_end(broker);
	return r;
}

int broker_connect(struct broker *broker, const char *path, uint32_t seconds)
{
	int r;

	*broker = (struct broker) { .pid = sys_pid(), .ring = { .doorbell = -1 } };
	pthread_mutex_init(&broker->lock, NULL);
	broker->fd = sys_message_socket(path, seconds);
	if (broker->fd < 0)
		r = why(broker->fd == -ENOENT || broker->fd == -ECONNREFUSED ? -ENODEV : broker->fd,
			"no helper at %s: %s; systemctl start hwsafe-helper.socket starts it", path,
			strerror(-broker->fd));
	else
		r = agree(broker);
	if (r < 0)
		broker_disconnect(broker);
	return r;
}

void broker_disconnect(struct broker *broker)
{
	broker_ring_close(broker);
	broker->fd = sys_close(broker->fd);
	pthread_mutex_destroy(&broker->lock);
}

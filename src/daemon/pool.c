#include "daemon/pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 16

struct job {
	struct job *next;
	void (*fn)(void *arg, bool run);
	void *arg;
};

struct kith_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	unsigned waiting, queue_max;
	unsigned n, started, idle;
	bool stop;
	char name[12];
	pthread_t thread[THREADS_MAX];
};

struct kith_pool *
kith_pool_new(const char *name, unsigned n, unsigned queue_max)
{
	struct kith_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->n = n > THREADS_MAX ? THREADS_MAX : n;
	p->queue_max = queue_max;
	p->last = &p->first;
	snprintf(p->name, sizeof(p->name), "%s", name);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	return p;
}

static void *
work(void *arg)
{
	struct kith_pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *j;

		p->idle++;
		while ((j = p->first) == NULL && !p->stop)
			pthread_cond_wait(&p->wake, &p->lock);
		p->idle--;
		if (p->stop || j == NULL)
			break;
		p->first = j->next;
		if (p->first == NULL)
			p->last = &p->first;
		p->waiting--;
		pthread_mutex_unlock(&p->lock);
		j->fn(j->arg, true);
		free(j);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int
kith_pool_submit(struct kith_pool *p, void (*fn)(void *arg, bool run), void *arg)
{
	struct job *j = malloc(sizeof(*j));
	int r = KITH_OK;

	if (j == NULL)
		return KITH_E_NOMEM;
	j->next = NULL;
	j->fn = fn;
	j->arg = arg;
	pthread_mutex_lock(&p->lock);
	if (p->waiting >= p->queue_max || p->stop) {
		r = KITH_E_BUSY;
	} else {
		if (p->idle <= p->waiting && p->started < p->n) {
			if (pthread_create(&p->thread[p->started], NULL, work, p) == 0) {
				pthread_setname_np(p->thread[p->started], p->name);
				p->started++;
			} else if (p->started == 0) {
				r = KITH_E_BUSY;
			}
		}
	}
	if (r == KITH_OK) {
		*p->last = j;
		p->last = &j->next;
		p->waiting++;
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	if (r != KITH_OK)
		free(j);
	return r;
}

void
kith_pool_free(struct kith_pool *p)
{
	struct job *j;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->started; i++)
		pthread_join(p->thread[i], NULL);
	while ((j = p->first) != NULL) {
		p->first = j->next;
		j->fn(j->arg, false);
		free(j);
	}
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

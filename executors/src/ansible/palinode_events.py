"""Tells Palinode what a playbook does, as it happens: one JSON object a line, in the file that PALINODE_EVENTS names.

For Ansible 2.9 to today, on Python 2.7 to today. Every line is written at once, so that whoever is killed leaves whole
lines behind, but for the last. What cannot be written ends the playbook: nothing is to happen that nobody can record.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import atexit
import json
import os
import signal
import sys
import threading
import time

from ansible import __version__ as ansible_version
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: palinode_events
    callback: palinode_events
    type: notification
    callback_type: notification
    short_description: tells Palinode what a playbook does
    description: One JSON object a line, in the file that the environment variable PALINODE_EVENTS names.
    options: {}
"""

# A longer line is cut where it is long, and said to be.
LINE = 256 * 1024
# Texts of a line that is too long are cut to this.
TEXT = 8 * 1024
DEEP = 30

try:
    clock = time.perf_counter
except AttributeError:
    clock = time.time


def plain(value, limit=None, deep=0):
    """The value as JSON has it, whatever it is; texts are valid Unicode."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode('utf-8', 'replace')
    if isinstance(value, type(u'')):
        text = value
        if sys.version_info[0] > 2:
            # Output that is no UTF-8 is kept by halves of surrogate pairs, which JSON has no place for.
            text = text.encode('utf-8', 'surrogateescape' if _escaped(text) else 'replace').decode('utf-8', 'replace')
        if limit is not None and len(text) > limit:
            text = text[:limit] + u'... (%d characters cut)' % (len(text) - limit)
        return text
    if isinstance(value, float):
        return value if value == value and abs(value) != float('inf') else str(value)
    if isinstance(value, int) or type(value).__name__ == 'long':
        return int(value)
    if deep > DEEP:
        return u'... (too deep)'
    if isinstance(value, dict):
        return dict((plain(str(key) if not isinstance(key, (bytes, type(u''))) else key, TEXT), plain(one, limit, deep + 1))
                    for key, one in list(value.items()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one, limit, deep + 1) for one in value]
    return plain(str(value), limit, deep + 1)


def _escaped(text):
    try:
        text.encode('utf-8', 'surrogateescape')
        return True
    except UnicodeError:
        return False


def hush():
    """Since ansible-core 2.19 a result that `no_log` hides keeps its error and its warnings, and they are printed. So is
    what a task displays before its end. The first are left out; what a task displays that may hide its result is held
    back in the task's own process until that is known, and then dropped or sent."""
    try:
        from ansible.executor import task_result
        censor = task_result.censor_result
    except (ImportError, AttributeError):
        pass
    else:
        def censored(result):
            told = dict(censor(result))
            for name in ('exception', 'warnings', 'deprecations'):
                told.pop(name, None)
            return told

        task_result.censor_result = censored
    try:
        from ansible.executor.process.worker import WorkerProcess
        run = WorkerProcess.run
    except (ImportError, AttributeError):
        return
    # A process of its own for each task of a host.
    now = {'task': None}
    held = []

    def may_hide():
        return getattr(now['task'], 'no_log', None) not in (None, False)

    def hides(results):
        found = [getattr(one, '_return_data', one) for one in results]
        return any(isinstance(one, dict) and one.get('_ansible_no_log') for one in found)

    def runs(worker, *words, **more):
        now['task'] = getattr(worker, '_task', None)
        return run(worker, *words, **more)

    WorkerProcess.run = runs
    try:
        from ansible.executor.task_queue_manager import FinalQueue
        display, end = FinalQueue.send_display, FinalQueue.send_task_result
    except (ImportError, AttributeError):
        # Before ansible-core 2.12 a task's own process prints by itself. Whether the task hides is known before it acts.
        from ansible.utils.display import Display
        prints = Display.display
        Display.display = lambda self, *words, **more: None if may_hide() else prints(self, *words, **more)
        return

    def displays(queue, *words, **more):
        if may_hide():
            held.append((words, more))
            return None
        return display(queue, *words, **more)

    def ends(queue, *words, **more):
        told, held[:] = held[:], []
        if not hides(words + tuple(more.values())) and getattr(now['task'], 'no_log', None) is not True:
            for one in told:
                display(queue, *one[0], **one[1])
        return end(queue, *words, **more)

    FinalQueue.send_display, FinalQueue.send_task_result = displays, ends


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'palinode_events'
    # It is there only where Palinode brought it.
    CALLBACK_NEEDS_WHITELIST = False
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self.number = 0
        self.spent = 0.0
        self.tasks = {}
        self.process = os.getpid()
        self.tqm = None
        self.rescued = {}
        # Tasks that were handed to a host and did not end.
        self.pending = set()
        self.through = False
        self.unanswered = False
        # What this release has elsewhere than those that are known.
        self.missed = []
        path = os.environ.get('PALINODE_EVENTS')
        if not path:
            self.disabled = True
            return
        self.questions = Questions(os.path.join(os.path.dirname(path), 'questions'), os.environ.pop('PALINODE_ASKS', None))
        try:
            self.to = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            # A playbook that a task of this one runs is not this one.
            os.environ.pop('PALINODE_EVENTS', None)
        except OSError as error:
            self.stop(error)
        hush()
        follow(self)
        if self.questions.folder is not None:
            hide_answers()
        atexit.register(self.left)

    def stop(self, error):
        sys.stderr.write('palinode: what the playbook does cannot be recorded, so it ends here: %s\n' % error)
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        os._exit(74)

    def left(self):
        """Ansible ends by itself, and did not get to tell how its hosts fared."""
        if os.getpid() == self.process and not self.through:
            self.tell('end', pending=len(self.pending))

    def hear(self):
        """Tells what was asked and answered meanwhile, by whatever process of the playbook."""
        if os.getpid() != self.process:
            return
        for one in self.questions.news():
            event = one.pop('e')
            self.unanswered = self.unanswered or event == 'question'
            self.write(event, None, one)

    def tell(self, event, result=None, **words):
        self.hear()
        self.write(event, result, words)
        if event != 'end':
            self.ends()

    def ends(self):
        """Ends the playbook if a question has no answer. Nothing else may go on as if it had one: no `rescue`, no
        `ignore_errors`, no handler."""
        if self.unanswered and threading.current_thread().__class__.__name__ == '_MainThread':
            raise SystemExit(1)

    def write(self, event, result, words):
        began = clock()
        self.number += 1
        line = {'n': self.number, 't': int(time.time() * 1000000), 'e': event}
        try:
            for name, value in words.items():
                line[name] = plain(value, TEXT)
            if event == 'stats':
                line['spent'] = int(self.spent * 1000000)
            if result is not None:
                line['result'] = plain(result)
            data = json.dumps(line, sort_keys=True)
            if len(data) > LINE:
                line['result'] = plain(result, TEXT)
                data = json.dumps(line, sort_keys=True)
            if len(data) > LINE:
                line['result'] = {'msg': plain(self.said(result), TEXT), 'cut': len(data)}
                data = json.dumps(line, sort_keys=True)
        except Exception as error:  # a result of a shape that nobody foresaw is still one
            data = json.dumps({'n': self.number, 't': line['t'], 'e': event, 'host': plain(words.get('host'), TEXT),
                               'task': plain(words.get('task'), TEXT), 'untold': plain(repr(error), TEXT)})
        data = (data + '\n').encode('ascii')
        try:
            while data:
                data = data[os.write(self.to, data):]
            if event == 'stats':
                os.fsync(self.to)
        except OSError as error:
            self.stop(error)
        self.spent += clock() - began

    @staticmethod
    def said(result):
        found = result.get('msg') if isinstance(result, dict) else None
        return found if isinstance(found, (bytes, type(u''))) else u''

    # ---- Plays and tasks

    def v2_playbook_on_start(self, playbook):
        self.tell('began', ansible=ansible_version, python=sys.version.split()[0],
                  playbook=getattr(playbook, '_file_name', ''), argv=sys.argv[:1], missed=self.missed)
        self.questions.before(playbook)
        self.hear()
        self.ends()

    def v2_playbook_on_vars_prompt(self, varname, private=True, prompt=None, encrypt=None, confirm=False, salt_size=None,
                                   salt=None, default=None, unsafe=None):
        if self.questions.folder is None:
            self.questions.prompted(varname, prompt, private, default, encrypt)
            self.hear()
            self.ends()

    def v2_playbook_on_play_start(self, play):
        hosts = play.hosts if isinstance(play.hosts, (list, tuple)) else [play.hosts]
        self.tell('play', name=play.get_name(), hosts=list(hosts))

    def task(self, task, handler=False):
        identity = str(task._uuid)
        number = self.tasks.get(identity)
        if number is None:
            number = self.tasks[identity] = len(self.tasks) + 1
        path = None
        try:
            path = task.get_path()
        except Exception:
            pass
        self.tell('task', name=task.get_name(), task=number, action=task.action, path=path, handler=handler)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.task(task)

    def v2_playbook_on_cleanup_task_start(self, task):
        self.task(task)

    def v2_playbook_on_handler_task_start(self, task):
        self.task(task, handler=True)

    def v2_playbook_on_no_hosts_matched(self):
        self.tell('no-hosts-matched')

    def v2_playbook_on_no_hosts_remaining(self):
        self.tell('no-hosts-remaining')

    def v2_playbook_on_include(self, included_file):
        self.tell('include', name=getattr(included_file, '_filename', ''))

    # ---- Results

    @staticmethod
    def part(result, name):
        # Public names since ansible-core 2.19, private ones before.
        found = getattr(result, name, None)
        return getattr(result, '_' + name, None) if found is None else found

    def v2_runner_on_start(self, host, task):
        self.pending.add((host.get_name(), str(task._uuid)))

    def saved(self, host):
        """Whether the failure that was counted last is rescued: Ansible counts it before it tells of it."""
        count = getattr(getattr(self.tqm, '_stats', None), 'rescued', {}).get(host, 0)
        before, self.rescued[host] = self.rescued.get(host, 0), count
        return count > before

    @staticmethod
    def unsaid(told):
        """The result of a task without what a person answered."""
        if 'user_input' in told:
            told = dict(told, user_input='(an answer)')
        if isinstance(told.get('results'), list):
            told = dict(told, results=[dict(one, user_input='(an answer)') if isinstance(one, dict) and 'user_input' in one
                                       else one for one in told['results']])
        return told

    def host(self, event, result, **words):
        task, told = self.part(result, 'task'), self.part(result, 'result')
        self.pending.discard((self.part(result, 'host').get_name(), str(task._uuid)))
        if isinstance(told, dict) and self.questions.folder is not None:
            told = self.unsaid(told)
        if event in ('failed', 'unreachable') and isinstance(told, dict):
            delegated = told.get('_ansible_delegated_vars')
            delegated = delegated.get('ansible_delegated_host') if isinstance(delegated, dict) else None
            words['delegate'] = delegated or getattr(task, 'delegate_to', None)
        if isinstance(told, dict) and (told.get('censored') or told.get('_ansible_no_log')):
            # Under `no_log` not even the words of an error are told.
            kept = ('censored', 'changed', 'attempts', 'retries', 'unreachable')
            told = dict((name, told[name]) for name in kept if name in told)
        words['changed'] = bool(result.is_changed())
        self.tell(event, result=told, host=self.part(result, 'host').get_name(),
                  task=self.tasks.get(str(task._uuid)), name=task.get_name(), **words)

    def v2_runner_on_ok(self, result):
        self.host('ok', result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        host = self.part(result, 'host').get_name()
        self.host('failed', result, ignored=bool(ignore_errors), rescued=self.saved(host))

    def v2_runner_on_skipped(self, result):
        self.host('skipped', result)

    def v2_runner_on_unreachable(self, result):
        self.host('unreachable', result, ignored=bool(getattr(self.part(result, 'task'), 'ignore_unreachable', False)))

    def v2_runner_on_async_failed(self, result):
        self.host('async-failed', result)

    def v2_runner_retry(self, result):
        self.host('retry', result)

    def item(self, ended, result):
        # The whole result comes with the task's end; this is for a task that is killed on the way.
        told = self.part(result, 'result')
        hidden = told.get('_ansible_no_log') or told.get('censored')
        self.tell('item', ended=ended, host=self.part(result, 'host').get_name(),
                  task=self.tasks.get(str(self.part(result, 'task')._uuid)),
                  label=None if hidden else told.get('_ansible_item_label'), changed=bool(result.is_changed()))

    def v2_runner_item_on_ok(self, result):
        self.item('ok', result)

    def v2_runner_item_on_failed(self, result):
        self.item('failed', result)

    def v2_runner_item_on_skipped(self, result):
        self.item('skipped', result)

    def v2_playbook_on_stats(self, stats):
        hosts = {}
        for host in sorted(stats.processed.keys()):
            hosts[host] = stats.summarize(host)
        self.through = True
        # Those that Ansible itself counts as lost in the end, whatever became of them before.
        lost = dict((name, sorted(getattr(self.tqm, attribute, None) or []))
                    for name, attribute in (('failed', '_failed_hosts'), ('dark', '_unreachable_hosts')))
        self.tell('stats', hosts=hosts, **lost)

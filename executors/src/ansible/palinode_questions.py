

# ---- Questions. This is the second part of the plugin: `palinode_events.py` stands before it.

# Where the actions that ask have their names.
PAUSES = ('pause', 'ansible.builtin.pause', 'ansible.legacy.pause')

# Extra variables that answer what the configuration has Ansible ask for.
PASSWORDS = {
    'ask_pass': ('ansible_password', 'ansible_ssh_pass', 'ansible_ssh_password'),
    'become_ask_pass': ('ansible_become_password', 'ansible_become_pass', 'ansible_sudo_pass', 'ansible_su_pass'),
}


def text(value):
    """A text, whatever it is."""
    if value is None:
        return u''
    found = plain(value, TEXT)
    return found if isinstance(found, type(u'')) else json.dumps(found)


class Questions(object):
    """What Ansible asks a person. Ansible itself goes on with an empty answer where there is no terminal; here a person is
    asked through files, or the playbook ends. Any process of the playbook may ask: what was asked and answered is noted in
    a file, and told by the playbook's main process. Answers are never noted."""

    def __init__(self, notes, folder):
        self.notes = notes
        # None: nobody is there to answer.
        self.folder = folder
        self.read = 0
        self.count = 0
        self.unanswered = False

    def note(self, event, kind, **words):
        line = dict((name, plain(value, TEXT)) for name, value in words.items() if value is not None)
        line.update(e=event, kind=kind)
        data = (json.dumps(line, sort_keys=True) + '\n').encode('ascii')
        to = os.open(self.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(to, data)
        finally:
            os.close(to)

    def news(self):
        """What was noted since this was asked last."""
        try:
            with open(self.notes, 'rb') as notes:
                notes.seek(self.read)
                data = notes.read()
        except (IOError, OSError):
            return []
        data = data[:data.rfind(b'\n') + 1]
        self.read += len(data)
        found = []
        for line in data.splitlines():
            try:
                found.append(json.loads(line.decode('utf-8', 'replace')))
            except ValueError:
                pass
        return [one for one in found if isinstance(one, dict) and one.get('e') in ('question', 'answered')]

    def ask(self, kind, prompt, private=False, **words):
        """The answer; None if there is none, and then the playbook ends."""
        words['prompt'] = text(words.get('prompt') or prompt).strip()
        if self.folder is None:
            self.note('question', kind, **words)
            return None
        self.count += 1
        name = os.path.join(self.folder, '%d.%d' % (os.getpid(), self.count))
        os.mkfifo(name + '.answer', 0o600)
        try:
            with open(name + '.tmp', 'wb') as asked:
                # What was typed before a pause is shown does not end it, as with Ansible's own.
                how = u'private' if private else u'afresh' if kind == 'pause' else u'open'
                asked.write((u'%s\n%s' % (how, text(prompt))).encode('utf-8', 'replace'))
            os.rename(name + '.tmp', name + '.ask')
            with open(name + '.answer', 'rb') as answer:
                came = answer.read()
        finally:
            for left in ('.ask', '.answer'):
                try:
                    os.unlink(name + left)
                except OSError:
                    pass
        if not came.startswith(b'+'):
            self.note('question', kind, refused=True, **words)
            return None
        self.note('answered', kind, **words)
        came = came[1:]
        return (came[:-1] if came.endswith(b'\n') else came).decode('utf-8', 'replace')

    # ---- What can be known before anything is run

    def before(self, playbook):
        """Notes what the playbook is certain to ask, if nobody is there to answer."""
        if self.folder is not None:
            return
        self.passwords(None, playbook)
        for play in playbook.get_plays():
            manager = getattr(play, '_variable_manager', None)
            given = getattr(manager, 'extra_vars', None) or {}
            prompts = play.vars_prompt
            for one in prompts if isinstance(prompts, list) else []:
                name = one.get('name') if isinstance(one, dict) else None
                # What is a template is known when its play begins.
                if isinstance(name, type(u'')) and u'{{' not in name and name not in given:
                    self.prompted(name, one.get('prompt'), one.get('private', True), one.get('default'), one.get('encrypt'))
            try:
                certain = list(self.pauses(play, manager))
            except Exception:  # what cannot be foreseen is seen when it is asked
                certain = []
            for task in certain:
                self.note('question', 'pause', name=task.get_name(), prompt=task.args.get('prompt'))

    def prompted(self, name, prompt, private, default, encrypt):
        # A default may be a secret, where the answer is one.
        shown = None if default is None or private not in (False, 'no', 'false', 'False', 'No') else text(default)
        self.note('question', 'vars_prompt', name=name, prompt=prompt, private=bool(shown is None), default=shown,
                  encrypt=encrypt)

    def pauses(self, play, manager):
        """The tasks of a play that pause for an answer, whatever the hosts are like."""
        pattern = play.hosts
        words = pattern if isinstance(pattern, (list, tuple)) else [pattern]
        if any(u'{{' in text(word) for word in words) or getattr(play, '_included_conditional', None):
            return
        inventory = getattr(manager, '_inventory', None)
        if inventory is None or not inventory.get_hosts(pattern):
            return
        every = manager.get_vars(play=play)
        for block in play.compile():
            for task in self.certain(block.filter_tagged_tasks(every)):
                if task is None:
                    return
                yield task

    def certain(self, block):
        for part in block.block + block.always:
            if hasattr(part, 'block'):
                for task in self.certain(part):
                    yield task
                continue
            action = getattr(part, 'action', None)
            args = getattr(part, 'args', None) or {}
            if action == 'meta' and str(args.get('_raw_params', '')).startswith('end_'):
                # Nothing may be run behind it.
                yield None
                return
            if action not in PAUSES or 'minutes' in args or 'seconds' in args:
                continue
            if part.when or part.loop or getattr(part, 'loop_with', None) or getattr(part, 'module_defaults', None):
                continue
            yield part

    # ---- What Ansible asks for before it reads anything

    def passwords(self, tqm, playbook=None):
        """Passwords that the configuration has Ansible ask for: it did, and got none."""
        try:
            from ansible import context
            asks = context.CLIARGS
        except (ImportError, AttributeError):
            return
        if playbook is not None:
            plays = playbook.get_plays()
            manager = getattr(plays[0], '_variable_manager', None) if plays else None
            self.given = set(getattr(manager, 'extra_vars', None) or {})
        wanted = [one for one in ('ask_pass', 'become_ask_pass') if asks.get(one)
                  and not self.given.intersection(PASSWORDS[one])]
        if self.folder is None:
            if tqm is None:
                for one in wanted:
                    self.note('question', one)
            return
        if tqm is None or getattr(self, 'asked', False):
            return
        self.asked = True
        for one in wanted:
            prompt = u'SSH password' if one == 'ask_pass' else u'BECOME password'
            came = self.ask(one, prompt, True)
            if came is None:
                return
            try:
                from ansible.utils.unsafe_proxy import AnsibleUnsafeText
                came = AnsibleUnsafeText(came)
            except (ImportError, TypeError):
                pass
            tqm.passwords['conn_pass' if one == 'ask_pass' else 'become_pass'] = came
            if one == 'ask_pass' and 'become_ask_pass' not in wanted and not tqm.passwords.get('become_pass'):
                tqm.passwords.setdefault('become_pass', None)


def follow(plugin):
    """Has the plugin hear what no callback tells: which hosts have their errors cleared, and what is asked. What another
    release has elsewhere is left alone, and said."""
    for part in (follow_runs, follow_meta, ask_for_variables, ask_in_tasks, ask_in_debugger):
        try:
            part(plugin)
        except (ImportError, AttributeError, KeyError) as error:
            plugin.missed.append('%s: %s' % (part.__name__, error))


def follow_runs(plugin):
    from ansible.executor.task_queue_manager import TaskQueueManager
    begin = TaskQueueManager.run

    def begins(tqm, *words, **more):
        plugin.tqm = tqm
        plugin.questions.passwords(tqm)
        plugin.hear()
        plugin.ends()
        return begin(tqm, *words, **more)

    TaskQueueManager.run = begins


def follow_meta(plugin):
    from ansible.plugins.strategy import StrategyBase
    meta = StrategyBase._execute_meta

    def metas(self, task, play_context, iterator, *words, **more):
        found = meta(self, task, play_context, iterator, *words, **more)
        if task.args.get('_raw_params') == 'clear_host_errors' and found:
            told = getattr(found[0], '_return_data', None) or getattr(found[0], '_result', None)
            if isinstance(told, dict) and not told.get('skipped'):
                plugin.tell('cleared', hosts=[host.name for host in self._inventory.get_hosts(iterator._play.hosts)])
        return found

    StrategyBase._execute_meta = metas


def ask_for_variables(plugin):
    from ansible.utils.display import Display
    prompts = Display.do_var_prompt
    if plugin.questions.folder is None:
        # The callback hears of it, and ends the playbook.
        return

    class Terminal(object):
        @staticmethod
        def isatty():
            return True

    def prompted(self, varname, private=True, prompt=None, *words, **more):
        def answers(msg, private=False):
            came = plugin.questions.ask('vars_prompt', msg, private, name=varname)
            if came is None:
                plugin.hear()
                raise SystemExit(1)
            return came

        # Defaults, confirmations and hashes are Ansible's own.
        stdin, sys.__stdin__ = sys.__stdin__, Terminal()
        asks, Display.prompt = Display.__dict__['prompt'], staticmethod(answers)
        try:
            return prompts(self, varname, private, prompt, *words, **more)
        finally:
            sys.__stdin__ = stdin
            Display.prompt = asks

    Display.do_var_prompt = prompted


def ask_in_tasks(plugin):
    from ansible.plugins.action import pause
    from ansible.utils import display
    questions = plugin.questions
    begin = pause.ActionModule.run
    until = getattr(display.Display, 'prompt_until', None)
    now = {'task': None, 'prompt': None}

    def runs(action, *words, **more):
        args = action._task.args
        now.update(task=action._task.get_name(), prompt=args.get('prompt') or PRESS)
        if until is not None or args.get('minutes') is not None or args.get('seconds') is not None:
            return begin(action, *words, **more)
        # Before ansible-core 2.15 it reads its terminal itself, and goes on at once where there is none.
        echo = str(args.get('echo', True)).lower() not in ('no', 'n', 'false', 'f', '0', '0.0', 'off')
        came = questions.ask('pause', now['prompt'], not echo, name=now['task'])
        if came is None:
            return dict(failed=True, msg=UNANSWERED)
        loud, pause.display = pause.display, Quiet(pause.display)
        try:
            result = begin(action, *words, **more)
        finally:
            pause.display = loud
        if isinstance(result, dict) and not result.get('failed'):
            result['user_input'] = came
        return result

    pause.ActionModule.run = runs
    if until is None:
        return

    def asked(self, msg, private=False, seconds=None, *words, **more):
        if seconds is not None:
            return until(self, msg, private, seconds, *words, **more)
        kind = 'other' if now['task'] is None else 'pause'
        came = questions.ask(kind, msg, private, name=now['task'], prompt=now['prompt'])
        if came is None:
            from ansible.errors import AnsibleError
            raise AnsibleError(UNANSWERED)
        return came.encode('utf-8')

    display.Display.prompt_until = asked


def ask_in_debugger(plugin):
    from ansible.plugins.strategy import Debugger

    def loops(self):
        ended = None
        while not ended:
            line = plugin.questions.ask('debugger', self.prompt)
            if line is None:
                plugin.hear()
                raise SystemExit(1)
            ended = self.onecmd(line)

    Debugger.cmdloop = loops
    redo = Debugger.do_redo

    def again(self, *words):
        plugin.tell('cleared', hosts=[self.scope['host'].name])
        return redo(self, *words)

    Debugger.do_redo = Debugger.do_r = again


PRESS = u'Press enter to continue'
UNANSWERED = u'it asks a question, and there is no answer'


class Quiet(object):
    """A display that does not say that it waits for nobody."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def warning(self, *words, **more):
        pass

    def display(self, *words, **more):
        pass


def hide_answers():
    """What a person answered is not printed with the result of the task that asked, however much is printed."""
    from ansible.plugins.callback import CallbackBase
    dump = CallbackBase._dump_results

    def dumps(self, result, *words, **more):
        if isinstance(result, dict) and 'user_input' in result:
            result = dict(result, user_input=u'(an answer)')
        return dump(self, result, *words, **more)

    CallbackBase._dump_results = dumps

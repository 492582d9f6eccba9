#!/bin/sh
# Hands a question of ssh, or of Ansible's vault, to whoever watches the playbook. Its name tells which.
umask 077
p_d=${0%/*} p_n=$p_d/asks/$$
case ${0##*/} in
  vault-*) p_kind=vault p_how=private p_prompt="Vault password (${0##*/vault-}): " ;;
  *)
    p_kind=ssh p_prompt=$1
    case $1 in *yes*no*) p_how=open ;; *) p_how=private ;; esac
    ;;
esac
mkfifo "$p_n.answer" && printf '%s\n%s' "$p_how" "$p_prompt" >"$p_n.tmp" && mv "$p_n.tmp" "$p_n.ask" || exit 1
p_answer=
IFS= read -r p_answer <"$p_n.answer"
rm -f "$p_n.ask" "$p_n.answer"
case $p_answer in
  +*)
    printf '{"e":"answered","kind":"%s"}\n' "$p_kind" >>"$p_d/questions"
    printf '%s\n' "${p_answer#+}"
    ;;
  *)
    printf '{"e":"question","kind":"%s","refused":true}\n' "$p_kind" >>"$p_d/questions"
    exit 1
    ;;
esac

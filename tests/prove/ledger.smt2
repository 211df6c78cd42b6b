; SPDX-License-Identifier: LGPL-2.1-or-later
; A ledger's charge, for all 64-bit numbers: what isn't refused stays at or below the edge, without
; wrapping; what is refused would not have, or is more than the room that is left.
; C guardian/caps.c: if (amount > look->room || amount > look->edge || used > look->edge - amount)
(set-logic QF_BV)
(declare-const amount (_ BitVec 64))
(declare-const room (_ BitVec 64))
(declare-const edge (_ BitVec 64))
(declare-const used (_ BitVec 64))
(define-fun wide ((x (_ BitVec 64))) (_ BitVec 66) ((_ zero_extend 2) x))
(define-fun code () Bool (or (bvugt amount room) (bvugt amount edge)
  (bvugt used (bvsub edge amount))))
(define-fun MUTANT_WRAP () Bool (or (bvugt amount room) (bvugt used (bvsub edge amount))))
(define-fun MUTANT_SUM () Bool (or (bvugt amount room) (bvugt (bvadd used amount) edge)))
(define-fun truth () Bool (or (bvugt amount room)
  (bvugt (bvadd (wide used) (wide amount)) (wide edge))))
(assert (not (= code truth)))
(check-sat)

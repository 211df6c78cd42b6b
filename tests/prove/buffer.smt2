; SPDX-License-Identifier: LGPL-2.1-or-later
; A buffer's word, for all generations, owners (3 bits) and numbers (29 bits): what is packed comes
; out again, each part untouched by the others.
; C uring/buf-state-internal.h: return (uint64_t)generation << 32 | (uint64_t)owner << BUF_BY_BITS | by;
(set-logic QF_BV)
(declare-const generation (_ BitVec 32))
(declare-const owner (_ BitVec 3))
(declare-const by (_ BitVec 29))
(define-fun wide ((x (_ BitVec 32))) (_ BitVec 64) ((_ zero_extend 32) x))
(define-fun packed ((bits (_ BitVec 64))) (_ BitVec 64)
  (bvor (bvshl (wide generation) (_ bv32 64)) (bvshl ((_ zero_extend 61) owner) bits)
    ((_ zero_extend 35) by)))
(define-fun parts ((word (_ BitVec 64))) Bool
  (and (= ((_ extract 31 0) (bvlshr word (_ bv32 64))) generation)
    (= (bvlshr ((_ extract 31 0) word) (_ bv29 32)) ((_ zero_extend 29) owner))
    (= (bvand ((_ extract 31 0) word) #x1fffffff) ((_ zero_extend 3) by))))
(define-fun code () Bool (parts (packed (_ bv29 64))))
(define-fun MUTANT_BITS () Bool (parts (packed (_ bv28 64))))
(define-fun truth () Bool true)
(assert (not (= code truth)))
(check-sat)

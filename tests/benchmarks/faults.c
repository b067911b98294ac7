// LD_PRELOAD fault injector: fails / kills at the nth matched file operation under a path prefix.
// FI_PREFIX=/a:/b FI_OP=write,fsync,rename,open,link,mkdir,unlink,flock,ftruncate,read FI_N=n FI_ERR=ENOSPC|EIO|...|KILL|SHORT FI_STICKY=1 FI_LOG=file
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/syscall.h>
#include <sys/file.h>
#include <unistd.h>
static int count; static pid_t inited; static const char *prefix,*ops,*errs,*logf_; static int nth,sticky; static __thread int busy;
static void init(void){ if(inited==getpid()) return; inited=getpid(); /* a fork may have another environment */ prefix=getenv("FI_PREFIX"); ops=getenv("FI_OP"); errs=getenv("FI_ERR"); logf_=getenv("FI_LOG"); nth=getenv("FI_N")?atoi(getenv("FI_N")):0; sticky=getenv("FI_STICKY")!=0; }
static int under(const char*p){ const char*s=prefix; char abs[4200]; if(!s||!p) return 0; if(p[0]!='/'){ char cwd[2048]; if(!getcwd(cwd,sizeof cwd)) return 0; snprintf(abs,sizeof abs,"%s/%s",cwd,p); p=abs;} while(*s){ const char*e=strchr(s,':'); size_t n=e?(size_t)(e-s):strlen(s); if(n&&!strncmp(p,s,n)) return 1; s+=n; if(*s==':') s++; } return 0; }
static void logline(const char*op,const char*path,int c,int hit){ if(!logf_) return; int fd=syscall(SYS_openat,AT_FDCWD,logf_,O_WRONLY|O_CREAT|O_APPEND,0644); if(fd<0) return; char b[4600]; int n=snprintf(b,sizeof b,"%d %d %s %s%s\n",(int)getpid(),c,op,path,hit?" HIT":""); syscall(SYS_write,fd,b,n); syscall(SYS_close,fd); }
// returns 0 none, -1 fail with errno set, 1 short
static int hit(const char*op,const char*path){ init(); if(busy||!ops||!prefix) return 0; char pat[32]; snprintf(pat,sizeof pat,",%s,",op); char all[256]; snprintf(all,sizeof all,",%s,",ops); if(!strstr(all,pat)) return 0; busy=1; int r=0; if(under(path)){ int c=__sync_add_and_fetch(&count,1); int h= nth>0 && (c==nth || (sticky&&c>=nth)); logline(op,path,c,h); if(h){ if(errs&&!strcmp(errs,"KILL")){ kill(getpid(),SIGKILL); pause(); } if(errs&&!strcmp(errs,"SHORT")) r=1; else { r=-1; errno = !errs?EIO: !strcmp(errs,"ENOSPC")?ENOSPC: !strcmp(errs,"EROFS")?EROFS: !strcmp(errs,"EDQUOT")?EDQUOT: !strcmp(errs,"EINTR")?EINTR: !strcmp(errs,"EACCES")?EACCES: !strcmp(errs,"ENFILE")?ENFILE: !strcmp(errs,"EMFILE")?EMFILE: !strcmp(errs,"ESTALE")?ESTALE: !strcmp(errs,"ENOLCK")?ENOLCK:EIO; } } } busy=0; return r; }
static const char* fdpath(int fd,char*b,size_t n){ char l[64]; snprintf(l,sizeof l,"/proc/self/fd/%d",fd); ssize_t k=readlink(l,b,n-1); if(k<0||b[0]!=47) return 0; /* a pipe is not a file */ b[k]=0; return b; }
// what `p` means beside the folder `d`, as the *at functions do
static const char* beside(int d,const char*p,char*b,size_t n){ char f[4200]; const char*x; if(!p||p[0]=='/'||d==AT_FDCWD||!(x=fdpath(d,f,sizeof f))) return p; snprintf(b,n,"%s/%s",x,p); return b; }
#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT,#name))
static int wantw(int fl){ return (fl&(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC))!=0; }
#define OPENBODY(fn) \
 mode_t m=0; if(fl&(O_CREAT|__O_TMPFILE)){ va_list a; va_start(a,fl); m=va_arg(a,int); va_end(a);} 
int open(const char*p,int fl,...){ OPENBODY(open) int e=hit(wantw(fl)?"open":"ropen",p); if(e<0) return -1; return syscall(SYS_openat,AT_FDCWD,p,fl,m); }
int open64(const char*p,int fl,...){ OPENBODY(open64) int e=hit(wantw(fl)?"open":"ropen",p); if(e<0) return -1; return syscall(SYS_openat,AT_FDCWD,p,fl|O_LARGEFILE,m); }
int openat(int d,const char*p,int fl,...){ OPENBODY(openat) char w[8500]; int e=hit(wantw(fl)?"open":"ropen",beside(d,p,w,sizeof w)); if(e<0) return -1; return syscall(SYS_openat,d,p,fl,m); }
int openat64(int d,const char*p,int fl,...){ OPENBODY(openat64) char w[8500]; int e=hit(wantw(fl)?"open":"ropen",beside(d,p,w,sizeof w)); if(e<0) return -1; return syscall(SYS_openat,d,p,fl|O_LARGEFILE,m); }
ssize_t write(int fd,const void*b,size_t n){ char x[4200]; const char*p; init(); if(ops&&prefix&&!busy&&fd>2&&(p=fdpath(fd,x,sizeof x))){ int e=hit("write",p); if(e<0) return -1; if(e>0&&n>1) n=n/2; } return syscall(SYS_write,fd,b,n); }
ssize_t pwrite(int fd,const void*b,size_t n,off_t o){ char x[4200]; const char*p; init(); if(ops&&prefix&&!busy&&fd>2&&(p=fdpath(fd,x,sizeof x))){ int e=hit("write",p); if(e<0) return -1; if(e>0&&n>1) n=n/2; } return syscall(SYS_pwrite64,fd,b,n,o); }
ssize_t pwrite64(int fd,const void*b,size_t n,off_t o){ return pwrite(fd,b,n,o); }
ssize_t writev(int fd,const struct iovec*v,int c){ char x[4200]; const char*p; init(); if(ops&&prefix&&!busy&&fd>2&&(p=fdpath(fd,x,sizeof x))){ int e=hit("write",p); if(e<0) return -1; if(e>0&&c>1) c=1; } return syscall(SYS_writev,fd,v,c); }
ssize_t read(int fd,void*b,size_t n){ char x[4200]; const char*p; init(); if(ops&&prefix&&!busy&&fd>2&&strstr(ops,"read")&&(p=fdpath(fd,x,sizeof x))){ int e=hit("read",p); if(e<0) return -1; if(e>0&&n>1) n=n/2; } return syscall(SYS_read,fd,b,n); }
int fsync(int fd){ char x[4200]; const char*p=fdpath(fd,x,sizeof x); if(p&&hit("fsync",p)<0) return -1; return 0; /* skip the real flush: saves the shared disk */ }
int fdatasync(int fd){ return fsync(fd); }
void sync(void){ /* likewise */ }
int rename(const char*a,const char*b){ if(hit("rename",b)<0) return -1; return syscall(SYS_renameat2,AT_FDCWD,a,AT_FDCWD,b,0); }
int renameat(int d,const char*a,int e,const char*b){ char w[8500]; if(hit("rename",beside(e,b,w,sizeof w))<0) return -1; return syscall(SYS_renameat2,d,a,e,b,0); }
int link(const char*a,const char*b){ if(hit("link",b)<0) return -1; return syscall(SYS_linkat,AT_FDCWD,a,AT_FDCWD,b,0); }
int linkat(int d,const char*a,int e,const char*b,int f){ char w[8500]; if(hit("link",beside(e,b,w,sizeof w))<0) return -1; return syscall(SYS_linkat,d,a,e,b,f); }
int unlink(const char*a){ if(hit("unlink",a)<0) return -1; return syscall(SYS_unlinkat,AT_FDCWD,a,0); }
int unlinkat(int d,const char*a,int f){ char w[8500]; if(hit("unlink",beside(d,a,w,sizeof w))<0) return -1; return syscall(SYS_unlinkat,d,a,f); }
int mkdir(const char*a,mode_t m){ if(hit("mkdir",a)<0) return -1; return syscall(SYS_mkdirat,AT_FDCWD,a,m); }
int mkdirat(int d,const char*a,mode_t m){ char w[8500]; if(hit("mkdir",beside(d,a,w,sizeof w))<0) return -1; return syscall(SYS_mkdirat,d,a,m); }
int flock(int fd,int op){ char x[4200]; const char*p=fdpath(fd,x,sizeof x); if(p&&hit("flock",p)<0) return -1; return syscall(SYS_flock,fd,op); }
int ftruncate(int fd,off_t o){ char x[4200]; const char*p=fdpath(fd,x,sizeof x); if(p&&hit("ftruncate",p)<0) return -1; return syscall(SYS_ftruncate,fd,o); }
int ftruncate64(int fd,off_t o){ return ftruncate(fd,o); }
#include <sys/mman.h>
void *mmap(void *a, size_t n, int prot, int fl, int fd, off_t o) {
  char x[4200]; const char *p; init();
  if (fd > 2 && ops && prefix && !busy && strstr(ops, "mmap") && (p = fdpath(fd, x, sizeof x)) && hit("mmap", p) < 0) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, a, n, prot, fl, fd, o);
}
